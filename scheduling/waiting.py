"""The rows of the queue that a cycle has to see: all, or without those whom it cannot concern.

*Quiet* is who has been told `insufficient_capacity` (or what else holds it) and would be told the same again: it fits
neither what is free nor what it could have freed, has no seat, and nothing but room can change that. With a hundred
thousand in the queue nearly all are quiet. They lie in an index of their own by what they need, so that those who fit
are found without a look at the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from accounts.reading import read_columns
from scheduling.core.amounts import Amount
from scheduling.core.columns import UNKNOWN, Ints
from scheduling.core.reasons import CODES

UNMET = """
LEFT JOIN LATERAL (
    SELECT bool_or(upstream.status IN ('failed', 'cancelled')) AS failed
    FROM deployments_dependency AS dependency
    JOIN deployments_deployment AS upstream ON upstream.id = dependency.depends_on_id
    WHERE dependency.deployment_id = waiting.id AND upstream.status <> 'completed'
) AS unmet ON waiting.has_dependencies
"""
HOLD = """
CASE WHEN unmet.failed THEN 'dependency_failed' WHEN NOT unmet.failed THEN 'waiting_for_dependencies'
    WHEN waiting.retry_at > %(now)s::timestamptz THEN 'waiting_for_retry' END
"""
CODE = (
    "CASE {reason} "
    + " ".join(f"WHEN '{one}' THEN {code}" for one, code in CODES.items() if one)
    + " ELSE 0 END"
)
COLUMNS = f"""waiting.cluster_id, waiting.id, waiting.required_gpu, waiting.required_cpu, waiting.required_ram,
    waiting.priority::bigint, waiting.queued_at, (waiting.seat_granted_at IS NOT NULL)::int::bigint,
    ({CODE.format(reason="waiting.reason")})::bigint, waiting.organization_id, coalesce(waiting.created_by_id, 0),
    coalesce(waiting.expected_seconds, {UNKNOWN})"""
WIDTH = 13
HELD = f"({CODE.format(reason='{hold}')})::bigint"
NOT_HELD = "0::bigint"
ALL = f"""
SELECT {COLUMNS}, {HELD.format(hold=HOLD)} FROM deployments_deployment AS waiting {UNMET}
WHERE waiting.cluster_id = ANY(%(clusters)s::bigint[]) AND waiting.status = 'pending'
"""  # noqa: S608
QUIET = """waiting.status = 'pending' AND waiting.reason = 'insufficient_capacity' AND waiting.seat_granted_at IS NULL
        AND waiting.retry_at IS NULL AND NOT waiting.has_dependencies"""
RESTLESS = """waiting.status = 'pending' AND (waiting.reason IS NULL
        OR NOT (waiting.reason = 'insufficient_capacity' AND waiting.reason IS NOT NULL)
        OR waiting.seat_granted_at IS NOT NULL OR waiting.retry_at IS NOT NULL OR waiting.has_dependencies)"""
OF_CLUSTER = """CROSS JOIN LATERAL (
    SELECT waiting.* FROM deployments_deployment AS waiting WHERE waiting.cluster_id = {cluster} AND {which} OFFSET 0
) AS waiting"""
"""One cluster after the other, each by an index: what PostgreSQL knows of how many are quiet is out of date after each
cycle, and planning by that it would go through all of them once for each cluster. OFFSET keeps it from doing so."""
EXCEEDS = f"""
SELECT {COLUMNS}, {NOT_HELD} FROM total {OF_CLUSTER.format(cluster="total.cluster", which=f"{QUIET} AND {{beyond}}")}
WHERE total.blocked IS NULL
"""  # noqa: S608
CONCERNED = f"""
WITH total AS MATERIALIZED (
    SELECT * FROM unnest(%(clusters)s::bigint[], %(blocked)s::text[], %(gpu)s::bigint[], %(cpu)s::bigint[],
        %(ram)s::bigint[], %(late)s::timestamptz[]) AS one(cluster, blocked, gpu, cpu, ram, late)
), most AS MATERIALIZED (
    SELECT * FROM unnest(%(most_cluster)s::bigint[], %(most_priority)s::smallint[], %(most_gpu)s::bigint[],
        %(most_cpu)s::bigint[], %(most_ram)s::bigint[]) AS one(cluster, priority, gpu, cpu, ram)
)
SELECT {COLUMNS}, {HELD.format(hold="hold.reason")}
FROM total {OF_CLUSTER.format(cluster="total.cluster", which=RESTLESS)} {UNMET}
CROSS JOIN LATERAL (SELECT {HOLD} AS reason) AS hold
LEFT JOIN most ON most.cluster = waiting.cluster_id AND most.priority = waiting.priority
WHERE waiting.seat_granted_at IS NOT NULL
    OR waiting.reason IS DISTINCT FROM coalesce(hold.reason, total.blocked,
        CASE WHEN waiting.required_gpu > total.gpu OR waiting.required_cpu > total.cpu
            OR waiting.required_ram > total.ram THEN 'exceeds_cluster' ELSE 'insufficient_capacity' END)
    OR hold.reason IS NULL AND waiting.queued_at <= total.late
    OR hold.reason IS NULL AND waiting.required_gpu <= most.gpu AND waiting.required_cpu <= most.cpu
        AND waiting.required_ram <= most.ram
UNION ALL
SELECT {COLUMNS}, {NOT_HELD} FROM most {
    OF_CLUSTER.format(
        cluster="most.cluster",
        which=f"{QUIET} AND waiting.priority = most.priority AND waiting.required_gpu <= most.gpu"
        " AND waiting.required_cpu <= most.cpu AND waiting.required_ram <= most.ram",
    )
}
UNION ALL
{EXCEEDS.format(beyond="waiting.required_gpu > total.gpu")}
UNION ALL
{EXCEEDS.format(beyond="waiting.required_cpu > total.cpu AND waiting.required_gpu <= total.gpu")}
UNION ALL
{
    EXCEEDS.format(
        beyond="waiting.required_ram > total.ram AND waiting.required_cpu <= total.cpu"
        " AND waiting.required_gpu <= total.gpu"
    )
}
"""  # noqa: S608
BLOCKED = f"""
UNION ALL
SELECT {COLUMNS}, {NOT_HELD} FROM total {OF_CLUSTER.format(cluster="total.cluster", which=QUIET)}
WHERE total.blocked IS NOT NULL
"""  # noqa: S608
LATE = f"""
UNION ALL
SELECT {COLUMNS}, {NOT_HELD} FROM total JOIN most ON most.cluster = total.cluster {
    OF_CLUSTER.format(
        cluster="total.cluster",
        which=f"{QUIET} AND waiting.priority = most.priority AND waiting.queued_at <= total.late"
        " AND waiting.required_gpu <= total.gpu AND waiting.required_cpu <= total.cpu"
        " AND waiting.required_ram <= total.ram AND NOT (waiting.required_gpu <= most.gpu"
        " AND waiting.required_cpu <= most.cpu AND waiting.required_ram <= most.ram)",
    )
}
WHERE total.blocked IS NULL
"""  # noqa: S608
COUNT = f"""
SELECT cluster_id, sum(told)::bigint, sum(held)::bigint FROM (
    SELECT cluster_id, count(*) AS told, 0 AS held FROM deployments_deployment AS waiting
    WHERE cluster_id = ANY(%(clusters)s::bigint[]) AND {QUIET} GROUP BY cluster_id
    UNION ALL
    SELECT cluster_id, count(*), count(*) FILTER (WHERE reason IN ('waiting_for_dependencies', 'dependency_failed'))
    FROM deployments_deployment AS waiting
    WHERE cluster_id = ANY(%(clusters)s::bigint[]) AND {RESTLESS} AND reason IS NOT NULL GROUP BY cluster_id
) AS part GROUP BY cluster_id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Room:
    """What decides who is quiet in one cluster. `most`: see `room.limits`; `blocked`: the reason of all there."""

    cluster: int
    total: Amount
    blocked: str | None
    most: Mapping[int, Amount]
    late: datetime | None = None
    """Room may be kept for who waits since then or longer, whatever its need."""


def everybody(cluster_ids: Sequence[int], now: datetime) -> Ints:
    """All that wait in these clusters, by cluster: an array [column, row] of COLUMNS, times as `read_columns` has them,
    and of what holds each one, as its code.
    """
    return _by_cluster(_rows(ALL, {"clusters": list(cluster_ids), "now": now}, WIDTH))


def concerned(rooms: Sequence[Room], now: datetime) -> Ints:
    """The same, without those who are quiet."""
    open_ = [
        (room, priority, need)
        for room in rooms
        if room.blocked is None
        for priority, need in room.most.items()
    ]
    parameters = {
        "now": now,
        "clusters": [room.cluster for room in rooms],
        "blocked": [room.blocked for room in rooms],
        "late": [room.late for room in rooms],
        "most_cluster": [room.cluster for room, _, _ in open_],
        "most_priority": [priority for _, priority, _ in open_],
    }
    for place, name in enumerate(("gpu", "cpu", "ram")):
        parameters[name] = [room.total[place] for room in rooms]
        parameters[f"most_{name}"] = [need[place] for _, _, need in open_]
    query = CONCERNED
    if any(room.blocked is not None for room in rooms):
        query += BLOCKED
    if any(room.late is not None for room in rooms):
        query += LATE
    return _by_cluster(_rows(query, parameters, WIDTH))


def counted(cluster_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Cluster → how many wait there and have been told why, and how many of them for their dependencies."""
    found = _rows(COUNT, {"clusters": list(cluster_ids)}, 3)
    return {cluster: (told, held) for cluster, told, held in found.T.tolist()}


def _by_cluster(columns: Ints) -> Ints:
    return np.take(columns, np.argsort(columns[0], kind="stable"), axis=1)


def _rows(query: str, parameters: Mapping[str, Any], width: int) -> Ints:
    return read_columns(query, parameters, width)
