"""The yardstick of the flow: the rows that it left, inserted by plain COPY in as many commits as there were batches.

Into a second, migrated database of the same server: the same tables, indexes, foreign keys and triggers.
"""

import os
import subprocess
import sys
import time
from typing import Any

import psycopg

from hypervisor.bench.fleet import database_of, location_of
from hypervisor.demo.chaos.service import NotServing, Service
from hypervisor.embedded.postgres import USER
from hypervisor.embedded.urls import postgres_url
from hypervisor.supervisor.services import PROJECT

TWIN = "flow_twin"
GROUND = ("accounts_user", "organizations_organization", "clusters_cluster")
"""What the rows point to: there before the clock starts."""
ROWS = {
    "deployments_deployment": "cluster_id = %s",
    "deployments_run": "cluster_id = %s",
    "deployments_allocation": "cluster_id = %s",
    "deployments_deploymentevent": "deployment_id IN (SELECT id FROM deployments_deployment WHERE cluster_id = %s)",
    "scheduling_cycle": "cluster_id = %s",
}
Copied = dict[str, list[bytes]]


def measure(service: Service, clusters: list[int]) -> tuple[float, int]:
    """Seconds to insert again all that was written for these clusters, a commit for each; and how many rows."""
    _make_twin(service)
    with database_of(service) as source, database_of(service, TWIN) as twin:
        for table in GROUND:
            _copy_in(twin, table, _copy_out(source, table, "true", None))
        batches = [
            {table: _copy_out(source, table, where, cluster) for table, where in ROWS.items()}
            for cluster in clusters
        ]
        began = time.perf_counter()
        for batch in batches:
            with twin.transaction():
                for table, content in batch.items():
                    _copy_in(twin, table, content)
        seconds = time.perf_counter() - began
        counts = [twin.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ROWS]  # noqa: S608
    return seconds, sum(row[0] for row in counts if row)


def _make_twin(service: Service) -> None:
    with database_of(service) as source:
        source.execute(f"DROP DATABASE IF EXISTS {TWIN}")
        source.execute(f"CREATE DATABASE {TWIN}")
    url = postgres_url(user=USER, database=TWIN, sockets=location_of(service).sockets)
    environment = {
        **os.environ,
        "SECRET_KEY": "a throwaway one, for a database of a minute",
        "DATABASE_URL": url,
    }
    migrated = subprocess.run(
        (sys.executable, "manage.py", "migrate", "--verbosity=0"),
        env=environment, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if migrated.returncode:
        raise NotServing(f"The second database could not be migrated: {migrated.stderr[-500:]}")


def _copy_out(
    connection: psycopg.Connection[Any], table: str, where: str, cluster: int | None
) -> list[bytes]:
    query = f"COPY (SELECT * FROM {table} WHERE {where}) TO STDOUT (FORMAT BINARY)"  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(query, None if cluster is None else [cluster]) as copy:
        return [bytes(block) for block in copy]


def _copy_in(connection: psycopg.Connection[Any], table: str, content: list[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        for block in content:
            copy.write(block)
