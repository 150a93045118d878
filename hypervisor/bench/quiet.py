"""A cycle of a full cluster where thousands wait that cannot start: it should cost nothing, and write nothing."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

from deployments.models import Deployment
from hypervisor.bench.workload import Workload, fill
from scheduling.services import run_cycle

PENDING = 10_000
ROUNDS = 50
FULL = Workload("a full cluster", clusters=1, pending=PENDING, running_per_cluster=100)
SETTLE = "VACUUM (ANALYZE) deployments_deployment"
BARE = (
    "SELECT * FROM clusters_cluster WHERE id = 1 FOR NO KEY UPDATE",
    "SELECT count(*) FROM deployments_deployment WHERE cluster_id = 1 AND status = 'pending'",
)
LATE = """
INSERT INTO deployments_deployment (organization_id, cluster_id, name, docker_image, required_gpu, required_cpu,
    required_ram, priority, command, args, env, secret_env, secret_env_names, working_dir, image_pull_policy,
    restart_policy, max_retries, grace_period_seconds, labels, ports, status, queued_at, preemption_count,
    retries_used, lost_count, created_at)
VALUES (1, 1, 'late', 'ubuntu:24.04', 1000, 4000, 16000, 2, '[]', '[]', '{}', '', '[]', '', 'if_not_present', 'never',
    0, 30, '{}', '[]', 'pending', now(), 0, 0, 0, now())
"""


@dataclass(frozen=True, slots=True)
class QuietFigure:
    """Milliseconds of a cycle, the rows that it wrote, and the bare lock and count in a transaction of their own."""

    what: str
    pending: int
    least_ms: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """Of this process; what the database takes is not in it."""
    rows: int
    bare_ms: float
    ratio: float


def measure() -> list[QuietFigure]:
    """Nothing new, then one new deployment that cannot start either; in this empty database, which it fills."""
    fill(FULL)
    run_cycle(cluster_ids=[1])
    with connection.cursor() as cursor:
        cursor.execute(SETTLE)  # as autovacuum does a minute after so many rows were written
    bare = statistics.median(_milliseconds(_bare) for _ in range(ROUNDS))
    figures = []
    for what, first in (("nothing new", lambda: None), ("one more that cannot start", _submit)):
        _round(first)
        began = time.process_time()
        rounds = [_round(first) for _ in range(ROUNDS)]
        cpu = (time.process_time() - began) * 1000 / ROUNDS
        times, rows = sorted(ms for ms, _ in rounds), max(rows for _, rows in rounds)
        pending = Deployment.objects.filter(status="pending").count()
        p50 = statistics.median(times)
        figures.append(
            QuietFigure(what, pending, times[0], p50, times[int(ROUNDS * 0.99)], cpu, rows, bare, p50 / bare)
        )
    return figures


def _round(first: Callable[[], None]) -> tuple[float, int]:
    """Milliseconds of a cycle after `first`, and how many rows it wrote."""
    first()
    before = _written()
    took = _milliseconds(lambda: run_cycle(cluster_ids=[1]))
    return took, _written() - before


def _written() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _submit() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LATE)


@transaction.atomic
def _bare() -> None:
    with connection.cursor() as cursor:
        for query in BARE:
            cursor.execute(query)
            cursor.fetchall()


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000
