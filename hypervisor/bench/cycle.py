"""A whole cold cycle over a large fleet, beside the bare cost of its rows."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import sql

from clusters.wakeups import CHUNK
from hypervisor.bench import bare
from hypervisor.bench.workload import Workload, fill
from scheduling.services import run_cycle

FULL = Workload("1 % of capacity free", clusters=1000, pending=100_000, running_per_cluster=99)
ROOM = Workload("room for 20,000 starts", clusters=1000, pending=100_000, running_per_cluster=60)


@dataclass(frozen=True, slots=True)
class CycleFigure:
    """Seconds of the whole cycle and of the bare input and output; `ratio` is the one by the other."""

    workload: str
    clusters: int
    pending: int
    commits: int
    started: int
    reasons: int
    seconds: float
    bare_seconds: float
    ratio: float


def measure(workload: Workload) -> CycleFigure:
    """Fill this empty database, copy it, run the cycle here and the bare rows there.

    Cold: a fresh connection each, and no earlier cycle has read or written these rows.
    """
    fill(workload)
    name = str(connection.settings_dict["NAME"])
    connections.close_all()
    twin = f"{name}_twin"
    _admin(f'DROP DATABASE IF EXISTS "{twin}"')
    _admin(f'CREATE DATABASE "{twin}" TEMPLATE "{name}" STRATEGY FILE_COPY')
    try:
        batches = [
            list(range(start, min(start + CHUNK, workload.clusters + 1)))
            for start in range(1, workload.clusters + 1, CHUNK)
        ]
        connection.ensure_connection()
        began = time.perf_counter()
        for ids in batches:
            run_cycle(cluster_ids=ids)
        seconds = time.perf_counter() - began
        ours = connection.connection
        written = [(ids, bare.written_by(ours, ids)) for ids in batches]
        with _connect(twin) as other:
            bare_seconds = bare.replay(other, written)
        return CycleFigure(
            workload=workload.name,
            clusters=workload.clusters,
            pending=workload.pending,
            commits=len(batches),
            started=sum(len(batch.starts) for _, batch in written),
            reasons=sum(len(batch.reasons) for _, batch in written),
            seconds=seconds,
            bare_seconds=bare_seconds,
            ratio=seconds / bare_seconds,
        )
    finally:
        connections.close_all()
        _admin(f'DROP DATABASE IF EXISTS "{twin}"')


def _connect(database: str) -> psycopg.Connection[Any]:
    parameters = connection.get_connection_params()
    known = {key: parameters[key] for key in ("user", "password", "host", "port") if parameters.get(key)}
    return psycopg.connect(dbname=database, autocommit=True, **known)


def _admin(statement: str) -> None:
    with _connect("postgres") as admin:
        admin.execute(sql.SQL(statement))
