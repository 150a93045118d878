"""Why one deployment waits, and its place in the queue, as a deployment's page shows it; no plan is made.

The sums are those of the planner (`core.waiting.Room`), made by the database; `explain` makes them from the rows.
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from clusters.amounts import RESOURCES, to_wire
from clusters.amounts import Amount as Held
from clusters.models import Cluster, ClusterState, available, state_of
from scheduling.core.amounts import Amount
from scheduling.core.order import queue_order
from scheduling.core.reasons import Reason
from scheduling.core.waiting import Cause, Room, causes
from scheduling.models import ClusterPolicy
from scheduling.planning import unmoving_view
from scheduling.policies import effective
from scheduling.snapshot import BLOCKED, load

REASONS: dict[str, Reason] = {reason.value: reason for reason in Reason}
FACTS = """
SELECT row.required_gpu, row.required_cpu, row.required_ram, row.reason, row.seat_granted_at IS NOT NULL, row.retry_at,
    total_gpu, total_cpu, total_ram, allocated_gpu, allocated_cpu, allocated_ram, paused, unreachable_since IS NOT NULL,
    going.gpu, going.cpu, going.ram, promised.gpu, promised.cpu, promised.ram, unmet.waiting, unmet.failed,
    1 + (SELECT count(*) FROM deployments_deployment AS ahead WHERE ahead.cluster_id = row.cluster_id
            AND ahead.status = 'pending' AND ahead.priority > row.priority)
      + (SELECT count(*) FROM deployments_deployment AS ahead WHERE ahead.cluster_id = row.cluster_id
            AND ahead.status = 'pending' AND ahead.priority = row.priority
            AND (ahead.queued_at, ahead.id) < (row.queued_at, row.id)), row.cluster_id
FROM deployments_deployment AS row
JOIN clusters_cluster AS cluster ON cluster.id = row.cluster_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(required_gpu), 0) AS gpu, coalesce(sum(required_cpu), 0) AS cpu,
        coalesce(sum(required_ram), 0) AS ram
    FROM deployments_deployment AS one
    WHERE one.cluster_id = row.cluster_id AND one.status IN ('starting', 'running', 'stopping')
        AND one.status = 'stopping'
) AS going
CROSS JOIN LATERAL (
    SELECT coalesce(sum(required_gpu), 0) AS gpu, coalesce(sum(required_cpu), 0) AS cpu,
        coalesce(sum(required_ram), 0) AS ram
    FROM deployments_deployment AS one
    WHERE one.cluster_id = row.cluster_id AND one.seat_granted_at IS NOT NULL AND one.id <> row.id
) AS promised
CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS waiting, coalesce(bool_or(upstream.status IN ('failed', 'cancelled')), false) AS failed
    FROM deployments_dependency AS dependency
    JOIN deployments_deployment AS upstream ON upstream.id = dependency.depends_on_id
    WHERE dependency.deployment_id = row.id AND upstream.status <> 'completed'
) AS unmet
WHERE row.id = %s AND row.status = 'pending'
"""


def shown(deployment_id: int) -> dict[str, Any]:
    """`reasons` and `queue_position` as the wire shows them; nothing for one that is not pending any more."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [deployment_id])
        row = cursor.fetchone()
    if row is None:
        return {}
    numbers = [tuple(map(int, row[start : start + 3])) for start in (0, 6, 9, 14, 17)]
    need, total, allocated, going, promised = numbers
    reason, seated, retry_at, paused, unreachable, waiting, failed, first_come, cluster_id = (
        row[place] for place in (3, 4, 5, 12, 13, 20, 21, 22, 23)
    )
    stays = zip(total, allocated, going, promised, strict=True)
    room = Room(
        total=total,
        free_now=available(Held(*total), Held(*allocated)),
        after=tuple(all_ - held + gone - seats for all_, held, gone, seats in stays),
    )
    found = causes(
        need=need,
        room=room,
        holds=holds(waiting=waiting, failed=failed, retry_at=retry_at, now=timezone.now()),
        blocked=blocks(unreachable=unreachable, paused=paused, total=total, allocated=allocated),
        seated=seated,
        stored=REASONS.get(reason or ""),
    )
    policy = effective(ClusterPolicy.objects.filter(cluster_id=cluster_id).first())
    position = first_come if policy.is_first_come else _position(deployment_id, cluster_id)
    return {"reasons": [reason_shown(cause) for cause in found], "queue_position": position}


def _position(deployment_id: int, cluster_id: int) -> int | None:
    """Its place where shares, lengths or ageing rank the queue: what the planner would see is read for it."""
    with unmoving_view():
        clusters = list(Cluster.objects.filter(pk=cluster_id))
        (state,) = load(clusters, timezone.now(), everybody=True).clusters
    ranked = [one.id for one in queue_order(state)]
    return ranked.index(deployment_id) + 1 if deployment_id in ranked else None


def holds(*, waiting: bool, failed: bool, retry_at: datetime | None, now: datetime) -> list[Reason]:
    """What of its own holds it. `waiting`: something it depends on is not completed; `failed`: and will not be."""
    found = []
    if waiting:
        found.append(Reason.DEPENDENCY_FAILED if failed else Reason.WAITING_FOR_DEPENDENCIES)
    if retry_at is not None and retry_at > now:
        found.append(Reason.WAITING_FOR_RETRY)
    return found


def blocks(*, unreachable: bool, paused: bool, total: Amount, allocated: Amount) -> list[Reason]:
    """All that blocks the cluster as a whole; its state names only the first."""
    states = [
        state
        for state, applies in ((ClusterState.UNREACHABLE, unreachable), (ClusterState.PAUSED, paused))
        if applies
    ]
    states.append(state_of(unreachable=False, paused=False, total=Held(*total), allocated=Held(*allocated)))
    return [BLOCKED[state] for state in states if state in BLOCKED]


def reason_shown(cause: Cause) -> dict[str, Any]:
    """A reason as the wire shows it."""
    return {"reason": cause.reason.value, "deficits": amount_shown(cause.deficits)}


def amount_shown(amount: Amount) -> dict[str, float | int]:
    """An amount in wire units: GB, cores, devices."""
    numbers = dict(zip(RESOURCES, amount, strict=True))
    return {name: to_wire(name, numbers[name]) for name in ("ram", "cpu", "gpu")}
