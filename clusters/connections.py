"""One row a runtime: what its connection may say, where that leads, and the driver behind it.

The drivers' code is imported when it is first needed: a web process only ever checks a connection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts import secrets
from accounts.errors import InvalidInput
from accounts.models import User
from clusters.models import Runtime
from clusters.redis import redis_client
from clusters.runtimes import simulated_connection
from clusters.runtimes.base import Driver, Owner, RuntimeFailure
from clusters.runtimes.endpoints import Reach

Connection = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A runtime. `validate` and `why_not` answer field → what is wrong; `shown` tells where it is, without secrets."""

    validate: Callable[[object], dict[str, str]]
    why_not: Callable[[Connection, Reach], dict[str, str]]
    shown: Callable[[Connection], str]
    driver: Callable[[Connection, Owner, Reach], Driver]
    example: str = ""
    """What to write where a connection is needed; empty: it is not."""


def connect(*, actor: User, runtime: str, connection: Connection | None) -> dict[str, Any]:
    """The columns of a cluster that this person connects so.

    Raises InvalidInput, naming each field and quoting none: for what cannot be read, and for an engine that they may
    not reach.
    """
    kind = KINDS[runtime]
    columns: dict[str, Any] = {"engine_facts": {}, "engine_problem": "", "checked_at": None}
    if not connection:
        if kind.example:
            raise InvalidInput({"connection": f"It is needed. Write {kind.example}."})
        return columns | {"connection": "", "connected_by_staff": False}
    _refuse(kind.validate(connection))
    by_staff = _is_staff(actor)
    _refuse(kind.why_not(connection, reach(trusted=by_staff)))
    shown = kind.shown(connection)
    return columns | {
        "connection": secrets.encrypt(connection),
        "connected_by_staff": by_staff,
        "engine_facts": {"endpoint": shown} if shown else {},
    }


def reach(*, trusted: bool) -> Reach:
    """Where a connection may lead, by whoever wrote it."""
    return Reach(trusted=trusted, entries=tuple(settings.CLUSTER_ENDPOINTS))


def _is_staff(actor: User) -> bool:
    # Read anew: what a session remembers of its user may be half a minute old. `is_staff` alone is a tenant's staff,
    # let into the console; it opens no doors on our machines.
    return User.objects.filter(is_superuser=True, pk=actor.pk, is_active=True).exists()


def _refuse(wrong: Mapping[str, str]) -> None:
    if wrong:
        raise InvalidInput({_path(field): text for field, text in wrong.items()})


def _path(field: str) -> str:
    return field if field == "connection" else f"connection.{field[:100]}"


def _simulated_driver(connection: Connection, owner: Owner, reach: Reach) -> Driver:
    from clusters.runtimes.simulated import SimulatedDriver

    return SimulatedDriver(redis_client(), owner.cluster, connection)


def _docker_wrong(connection: object) -> dict[str, str]:
    from clusters.runtimes.docker_connection import validate_connection

    return validate_connection(connection)


def _docker_why_not(connection: Connection, reach: Reach) -> dict[str, str]:
    from clusters.runtimes.docker_connection import parse_connection

    reason = reach.why_not(parse_connection(connection))
    return {"endpoint": reason} if reason else {}


def _docker_shown(connection: Connection) -> str:
    from clusters.runtimes.docker_connection import parse_connection

    return str(parse_connection(connection))


def _docker_driver(connection: Connection, owner: Owner, reach: Reach) -> Driver:
    from clusters.runtimes.docker import DockerDriver
    from clusters.runtimes.docker_connection import parse_connection
    from clusters.runtimes.doors import door

    try:
        endpoint = parse_connection(connection)
    except ValueError as error:
        raise RuntimeFailure(f"The connection of this cluster is wrong. {error}", permanent=True) from error
    return DockerDriver(door(owner.cluster, endpoint, reach), owner)


def _kubernetes_wrong(connection: object) -> dict[str, str]:
    from clusters.runtimes.kubernetes_connection import validate_connection

    return validate_connection(connection)


def _kubernetes_why_not(connection: Connection, reach: Reach) -> dict[str, str]:
    from clusters.runtimes.kubernetes_connection import is_staff_only, parse_connection

    if is_staff_only(connection):
        staff = (
            "Only platform staff may connect the cluster that this service runs in. Write its server instead."
        )
        return {} if reach.trusted else {"in_cluster": staff}
    reason = reach.why_not(parse_connection(connection)[0])
    return {"kubeconfig" if "kubeconfig" in connection else "server": reason} if reason else {}


def _kubernetes_shown(connection: Connection) -> str:
    from clusters.runtimes.kubernetes_connection import is_staff_only, parse_connection

    # Where that is, only a worker in the pod knows.
    return "in-cluster" if is_staff_only(connection) else str(parse_connection(connection)[0])


def _kubernetes_driver(connection: Connection, owner: Owner, reach: Reach) -> Driver:
    from clusters.runtimes.doors import door
    from clusters.runtimes.kubernetes import KubernetesDriver
    from clusters.runtimes.kubernetes_connection import parse_connection

    endpoint, bearer = parse_connection(connection)
    return KubernetesDriver(door(owner.cluster, endpoint, reach, bearer=bearer), owner)


KINDS: Mapping[str, Kind] = {
    Runtime.SIMULATED: Kind(
        validate=simulated_connection.validate_connection,
        why_not=lambda connection, reach: {},
        shown=lambda connection: "",
        driver=_simulated_driver,
    ),
    Runtime.DOCKER: Kind(
        validate=_docker_wrong,
        why_not=_docker_why_not,
        shown=_docker_shown,
        driver=_docker_driver,
        example='{"endpoint": "tcp://HOST:2376", "ca": PEM, "cert": PEM, "key": PEM}',
    ),
    Runtime.KUBERNETES: Kind(
        validate=_kubernetes_wrong,
        why_not=_kubernetes_why_not,
        shown=_kubernetes_shown,
        driver=_kubernetes_driver,
        example='{"server": "https://HOST:6443", "ca": PEM, "token": TOKEN}',
    ),
}
