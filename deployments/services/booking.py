"""What a cycle books: starts, evictions, seats and reasons, each in one statement whatever the number.

The caller holds the cluster rows' locks. A count that differs from what was planned means that a deployment changed
since the snapshot: `StalePlan`, and the whole cycle is rolled back and planned anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from clusters.announcing import Announcement, Row, announce
from deployments.events import announce_all
from deployments.models import Source
from deployments.states import Status


class Eviction(NamedTuple):
    """A deployment that is told to stop, and for whom.

    `certificate_id`: what explains it, if anything does; `lost_seconds`: the work that it loses, in device-seconds.
    """

    victim: int
    preemptor: int
    certificate_id: int | None = None
    lost_seconds: float | None = None


class StalePlan(Exception):
    """A deployment changed between the snapshot and the write."""


class OverBooked(Exception):
    """The books have no room for a start. The planner saw some, so books and runs disagree: see `check_books`."""


START = """
WITH booked AS (
    UPDATE deployments_deployment SET status = 'starting', reason = NULL, seat_granted_at = NULL, retry_at = NULL,
        started_at = %(now)s, ended_at = NULL, exit_code = NULL
    WHERE id = ANY(%(ids)s) AND status = 'pending' AND deleted_at IS NULL
    RETURNING *
), runs AS (
    INSERT INTO deployments_run (deployment_id, organization_id, cluster_id, priority, booked_at, stop_as_failed,
        detail, log_tail, spec)
    SELECT id, organization_id, cluster_id, priority, %(now)s, false, '', '', jsonb_build_object(
        'docker_image', docker_image, 'registry_credential_id', registry_credential_id, 'command', command,
        'args', args, 'env', env, 'secret_env', secret_env, 'working_dir', working_dir,
        'image_pull_policy', image_pull_policy, 'restart_policy', restart_policy,
        'max_retries', max_retries, 'time_limit_seconds', time_limit_seconds,
        'grace_period_seconds', grace_period_seconds, 'simulated_seconds', simulated_seconds,
        'checkpoint_interval_seconds', checkpoint_interval_seconds,
        'labels', labels, 'ports', ports, 'required_ram', required_ram, 'required_cpu', required_cpu,
        'required_gpu', required_gpu)
    FROM booked ORDER BY id
    RETURNING id, deployment_id
), wanting AS (
    SELECT runs.id AS run_id, booked.cluster_id, required_gpu / 1000 AS devices,
        sum(required_gpu / 1000) OVER (PARTITION BY booked.cluster_id ORDER BY runs.id) AS upto
    FROM runs JOIN booked ON booked.id = runs.deployment_id
    JOIN clusters_cluster AS cluster ON cluster.id = booked.cluster_id
    WHERE runtime = 'docker' AND required_gpu >= 1000
), free AS (
    SELECT cluster.id AS cluster_id, device, row_number() OVER (PARTITION BY cluster.id ORDER BY device) AS place
    FROM clusters_cluster AS cluster CROSS JOIN generate_series(0, cluster.total_gpu / 1000 - 1) AS every(device)
    WHERE cluster.id IN (SELECT cluster_id FROM wanting) AND NOT EXISTS (
        SELECT FROM deployments_helddevice AS taken
        WHERE taken.cluster_id = cluster.id AND taken.device = every.device)
), given AS (
    SELECT run_id, wanting.cluster_id, device FROM wanting
    JOIN free ON free.cluster_id = wanting.cluster_id AND place > upto - devices AND place <= upto
), held AS (
    INSERT INTO deployments_allocation (run_id, index, cluster_id, ram, cpu, gpu, device_ids, handle)
    SELECT runs.id, 0, cluster_id, required_ram, required_cpu, required_gpu, coalesce(devices.ids, '[]'::jsonb), ''
    FROM runs JOIN booked ON booked.id = runs.deployment_id
    LEFT JOIN (SELECT run_id, jsonb_agg(device ORDER BY device) AS ids FROM given GROUP BY run_id) AS devices
        ON devices.run_id = runs.id
    RETURNING id, run_id
), devices AS (
    INSERT INTO deployments_helddevice (cluster_id, device, allocation_id)
    SELECT given.cluster_id, device, held.id FROM given JOIN held ON held.run_id = given.run_id
), told AS (
    INSERT INTO deployments_deploymentevent (deployment_id, organization_id, run_id, at, kind, source, data)
    SELECT booked.id, organization_id, runs.id, %(now)s, 'scheduled', 'scheduler',
        jsonb_build_object('from', 'pending', 'to', 'starting')
    FROM runs JOIN booked ON booked.id = runs.deployment_id ORDER BY runs.id
), books AS (
    UPDATE clusters_cluster AS cluster SET allocated_ram = allocated_ram + amount.ram,
        allocated_cpu = allocated_cpu + amount.cpu, allocated_gpu = allocated_gpu + amount.gpu
    FROM (SELECT cluster_id, sum(required_ram) AS ram, sum(required_cpu) AS cpu, sum(required_gpu) AS gpu
          FROM booked GROUP BY cluster_id) AS amount
    WHERE cluster.id = amount.cluster_id AND cluster.allocated_ram + amount.ram <= cluster.total_ram
        AND cluster.allocated_cpu + amount.cpu <= cluster.total_cpu
        AND cluster.allocated_gpu + amount.gpu <= cluster.total_gpu
    RETURNING cluster.id
)
SELECT array_agg(id), array_agg(cluster_id), array_agg(organization_id),
    count(DISTINCT cluster_id) - (SELECT count(*) FROM books)
FROM booked
"""
EVICT = """
WITH planned AS (
    SELECT * FROM unnest(%(victims)s::bigint[], %(preemptors)s::bigint[], %(certificates)s::bigint[],
        %(lost)s::float8[]) AS eviction(victim, preemptor, certificate, lost)
), stopped AS (
    UPDATE deployments_deployment AS deployment SET status = 'stopping'
    FROM planned, deployments_deployment AS before, deployments_deployment AS preemptor
    WHERE deployment.id = planned.victim AND before.id = deployment.id
        AND deployment.status IN ('starting', 'running')
        AND preemptor.id = planned.preemptor AND preemptor.status = 'pending'
    RETURNING deployment.id, deployment.organization_id, deployment.cluster_id, before.status AS old,
        preemptor.id AS preemptor,
        preemptor.priority, preemptor.organization_id = deployment.organization_id AS of_one_organization,
        certificate, lost
), runs AS (
    UPDATE deployments_run AS run SET stop_cause = 'preemption', stop_requested_at = %(now)s,
        preempted_by_id = stopped.preemptor
    FROM stopped WHERE run.deployment_id = stopped.id AND run.outcome IS NULL
    RETURNING run.id, run.deployment_id
), told AS (
    INSERT INTO deployments_deploymentevent (deployment_id, organization_id, run_id, at, kind, source, data)
    SELECT stopped.id, stopped.organization_id, runs.id, %(now)s, 'preempted', 'scheduler',
        jsonb_build_object('from', stopped.old, 'to', 'stopping', 'preemptor_priority', stopped.priority,
            'preemptor_id', CASE WHEN stopped.of_one_organization THEN stopped.preemptor END,
            'certificate_id', certificate, 'lost_seconds', lost)
    FROM stopped JOIN runs ON runs.deployment_id = stopped.id ORDER BY stopped.id
    RETURNING deployment_id, data
)
SELECT array_agg(id), array_agg(cluster_id), array_agg(organization_id), jsonb_agg(data)
FROM stopped JOIN told ON told.deployment_id = stopped.id
"""
SEAT = """
WITH seated AS (
    UPDATE deployments_deployment SET seat_granted_at = CASE WHEN %(granted)s THEN %(now)s::timestamptz END
    WHERE id = ANY(%(ids)s) AND status = 'pending' AND (seat_granted_at IS NULL) = %(granted)s
    RETURNING id, cluster_id, organization_id
), told AS (
    INSERT INTO deployments_deploymentevent (deployment_id, organization_id, at, kind, source, data)
    SELECT id, organization_id, %(now)s, %(kind)s, 'scheduler', '{}'::jsonb FROM seated ORDER BY id
)
SELECT array_agg(id), array_agg(cluster_id), array_agg(organization_id) FROM seated
"""
# PostgreSQL takes arrays out of a SELECT for short and looks each id up. If it knew their length, each batch would read
# and hash all that wait.
REASON = """
UPDATE deployments_deployment AS deployment SET reason = planned.reason
FROM unnest((SELECT %(ids)s::bigint[]), (SELECT %(reasons)s::text[])) AS planned(id, reason)
WHERE deployment.id = planned.id AND deployment.status = 'pending'
"""


def book_starts(*, deployment_ids: Sequence[int], now: datetime) -> None:
    """Pending → starting, each with a run, its allocation and an event; the clusters' books grow by the same.

    On a Docker engine a run books its GPUs by number, the lowest free ones first.

    Raises StalePlan, and OverBooked rather than booking more than a cluster has.
    """
    rows, more = _write(START, {"ids": list(deployment_ids), "now": now}, len(deployment_ids))
    if any(more):
        raise OverBooked(f"{more[0]} clusters would hold more than they have")
    told = {"from": Status.PENDING, "to": Status.STARTING}
    announce_all("scheduled", rows, source=Source.SCHEDULER, at=now, status=Status.STARTING, data=told)


def book_evictions(*, evictions: Sequence[Eviction], now: datetime) -> None:
    """Running or starting → stopping. What they hold stays booked until the engine says that it is gone.

    Raises StalePlan, also for a preemptor that is not pending any more: one that keeps its seat is not written itself.
    """
    columns = zip(*evictions, strict=True) if evictions else [()] * len(Eviction._fields)
    parameters: dict[str, Any] = {"now": now}
    for name, column in zip(("victims", "preemptors", "certificates", "lost"), columns, strict=True):
        parameters[name] = list(column)
    rows, more = _write(EVICT, parameters, len(evictions))
    announce(
        [
            Announcement("deployment", "preempted", Source.SCHEDULER, now, Status.STOPPING, data, [row])
            for row, data in zip(rows, orjson.loads(more[0]) if more else (), strict=True)
        ]
    )


def grant_seats(*, deployment_ids: Sequence[int], now: datetime) -> None:
    """Promise room to pending ones."""
    _seat(deployment_ids, now, "seat_granted", granted=True)


def drop_seats(*, deployment_ids: Sequence[int], now: datetime) -> None:
    """End a promise without a start."""
    _seat(deployment_ids, now, "seat_dropped", granted=False)


def _seat(deployment_ids: Sequence[int], now: datetime, kind: str, *, granted: bool) -> None:
    parameters = {"ids": list(deployment_ids), "now": now, "granted": granted, "kind": kind}
    rows, _ = _write(SEAT, parameters, len(deployment_ids))
    announce_all(kind, rows, source=Source.SCHEDULER, at=now, status=Status.PENDING)


def write_reasons(*, reasons: Mapping[int, str]) -> None:
    """Store why each pending one waits, passed only where it changed; one that was cancelled meanwhile needs none."""
    if reasons:
        with connection.cursor() as cursor:
            cursor.execute(REASON, {"ids": list(reasons), "reasons": list(reasons.values())})


def _write(statement: str, parameters: dict[str, Any], expected: int) -> tuple[list[Row], list[Any]]:
    """Execute one that answers the rows written, as columns of ids, and perhaps more. Raises StalePlan."""
    if not expected:
        return [], []
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        deployments, clusters, organizations, *more = cursor.fetchone() or ((), (), ())
    rows = list(zip(deployments or (), clusters or (), organizations or (), strict=True))
    if len(rows) != expected:
        raise StalePlan(f"{len(rows)} of {expected} rows were still as planned")
    return rows, more
