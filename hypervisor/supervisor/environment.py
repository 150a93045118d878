"""The environment that the children, and `manage`, find: ours, then `.env`, then what is made and kept."""

import os
from collections.abc import Mapping
from pathlib import Path

from hypervisor.embedded.location import Location
from hypervisor.embedded.postgres import DATABASE, USER
from hypervisor.embedded.urls import postgres_url, redis_url
from hypervisor.supervisor.keys import missing_keys
from hypervisor.supervisor.services import PROJECT


def read_data_dir(environment: Mapping[str, str]) -> Path:
    """DATA_DIR, in the project unless it says otherwise."""
    return PROJECT / Path(environment.get("DATA_DIR") or ".data").expanduser()


def children_environment(location: Location) -> dict[str, str]:
    """Complete: whoever has it can reach the database and the broker, once they run."""
    environment = dict(os.environ)
    environment.update(missing_keys(location.data_dir, environment=environment))
    if not environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = postgres_url(user=USER, database=DATABASE, sockets=location.sockets)
    if not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = redis_url(socket=location.valkey_socket)
    environment.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
    return environment | {
        "HYPERVISOR_EMBEDDED": "1",
        "DATA_DIR": str(location.data_dir),
        "PYTHONUNBUFFERED": "1",
    }
