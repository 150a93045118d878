"""The yardstick of a cycle: the same rows read and written by plain psycopg, in the same number of commits.

It decides nothing. It is told what the cycle wrote, and writes that with the quickest plain means that we know:
COPY for new rows, UPDATE … FROM unnest for changed ones, looked up by their keys (see `booking.REASON`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

READS = (
    "SELECT * FROM clusters_cluster WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
    "SELECT id, cluster_id, required_gpu, required_cpu, required_ram, priority, queued_at, seat_granted_at, reason,"
    " retry_at, has_dependencies, organization_id, created_by_id, expected_seconds FROM deployments_deployment"
    " WHERE cluster_id = ANY(%s) AND status = 'pending' ORDER BY cluster_id, priority DESC, queued_at, id",
    "SELECT id, cluster_id, required_gpu, required_cpu, required_ram, priority, started_at, status, organization_id,"
    " created_by_id, preemption_count, expected_seconds, checkpoint_interval_seconds"
    " FROM deployments_deployment WHERE cluster_id = ANY(%s)"
    " AND status IN ('starting', 'running', 'stopping')",
)
INSERTED = ("deployments_run", "deployments_allocation", "deployments_deploymentevent", "scheduling_cycle")


@dataclass(frozen=True, slots=True)
class Written:
    """What one batch of the cycle left behind."""

    starts: list[tuple[int, Any]]
    """(deployment, started_at)"""
    reasons: list[tuple[int, str]]
    books: list[tuple[int, int, int, int]]
    """(cluster, gpu, cpu, ram)"""
    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]
    """table → columns, new rows"""


def written_by(connection: psycopg.Connection[Any], cluster_ids: Sequence[int]) -> Written:
    """Read back what the cycle of these clusters wrote."""
    ids = list(cluster_ids)
    starts = connection.execute(
        "SELECT id, started_at FROM deployments_deployment WHERE status = 'starting' AND cluster_id = ANY(%s)",
        [ids],
    ).fetchall()
    reasons = connection.execute(
        "SELECT id, reason FROM deployments_deployment WHERE status = 'pending' AND reason IS NOT NULL"
        " AND cluster_id = ANY(%s)",
        [ids],
    ).fetchall()
    books = connection.execute(
        "SELECT id, allocated_gpu, allocated_cpu, allocated_ram FROM clusters_cluster WHERE id = ANY(%s)",
        [ids],
    ).fetchall()
    started = [id_ for id_, _ in starts]
    chosen = {
        "deployments_run": ("deployment_id = ANY(%s)", started),
        "deployments_allocation": (
            "run_id IN (SELECT id FROM deployments_run WHERE deployment_id = ANY(%s))",
            started,
        ),
        "deployments_deploymentevent": ("deployment_id = ANY(%s)", started),
        "scheduling_cycle": ("cluster_id = ANY(%s)", ids),
    }
    rows = {}
    for table in INSERTED:
        condition, parameter = chosen[table]
        found = connection.execute(f"SELECT * FROM {table} WHERE {condition}", [parameter])  # noqa: S608
        rows[table] = ([column.name for column in found.description or ()], _plain(found.fetchall()))
    return Written(starts, reasons, books, rows)


def replay(connection: psycopg.Connection[Any], batches: Sequence[tuple[list[int], Written]]) -> float:
    """Seconds to read the same rows and write the same rows, one commit a batch."""
    began = time.perf_counter()
    for ids, written in batches:
        with connection.transaction():
            for read in READS:
                connection.execute(read, [ids]).fetchall()
            _write(connection, written)
    return time.perf_counter() - began


def _write(connection: psycopg.Connection[Any], written: Written) -> None:
    if written.starts:
        connection.execute(
            "UPDATE deployments_deployment AS d SET status = 'starting', started_at = new.at"
            " FROM unnest((SELECT %s::bigint[]), (SELECT %s::timestamptz[])) AS new(id, at) WHERE d.id = new.id",
            [[id_ for id_, _ in written.starts], [at for _, at in written.starts]],
        )
        connection.execute(
            "UPDATE clusters_cluster AS c SET allocated_gpu = new.gpu, allocated_cpu = new.cpu, allocated_ram = new.ram"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS new(id, gpu, cpu, ram)"
            " WHERE c.id = new.id",
            [list(column) for column in zip(*written.books, strict=True)],
        )
    if written.reasons:
        connection.execute(
            "UPDATE deployments_deployment AS d SET reason = new.reason"
            " FROM unnest((SELECT %s::bigint[]), (SELECT %s::text[])) AS new(id, reason) WHERE d.id = new.id",
            [[id_ for id_, _ in written.reasons], [reason for _, reason in written.reasons]],
        )
    for table, (columns, rows) in written.rows.items():
        if not rows:
            continue
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


def _plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """JSON values back as JSON, so that COPY can write them."""
    return [tuple(Jsonb(value) if isinstance(value, dict | list) else value for value in row) for row in rows]
