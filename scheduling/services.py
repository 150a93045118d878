"""One scheduling cycle: lock, look, decide, check, write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import transaction

from accounts.models import User
from clusters.locks import lock_clusters
from deployments.models import Deployment
from deployments.reconciling import want_reconciling
from deployments.services.booking import OverBooked, StalePlan
from deployments.services.locking import require_status
from deployments.services.steer import requeue_deployment
from deployments.states import FINAL, STARTABLE
from scheduling import planning, tally
from scheduling.apply import apply
from scheduling.core.invariants import InvariantBroken
from scheduling.core.state import Plan
from scheduling.hints import wakeups
from scheduling.models import Cycle

log = structlog.get_logger(__name__)
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class CycleResult:
    """What a batch did. `locked`: clusters that somebody else held, to be asked for again."""

    plan: Plan
    locked: tuple[int, ...] = ()


def run_cycle(*, cluster_ids: Iterable[int]) -> CycleResult:
    """Plan these clusters together and book the plan in one transaction.

    A cluster that somebody else has locked is skipped and named in `locked`. Raises, with nothing written,
    InvariantBroken or OverBooked for a plan that must not be applied, and StalePlan if deployments kept changing.
    """
    ids = sorted(set(cluster_ids))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            began = time.perf_counter()
            result = _attempt(ids)
            tally.count(result.plan, time.perf_counter() - began)
            return result
        except InvariantBroken:
            tally.count_refusal()
            raise
        except StalePlan as stale:
            log.info("plan_was_stale", attempt=attempt, detail=str(stale))
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def start_deployment(*, actor: User, deployment_id: int) -> None:
    """Pending: one ordinary cycle of its cluster now. Ended: queued anew. Anything else raises Conflict."""
    deployment = Deployment.objects.only("status", "cluster_id").get(pk=deployment_id)
    if deployment.status in FINAL:
        requeue_deployment(actor=actor, deployment_id=deployment_id)
        return
    require_status(deployment, STARTABLE, "start it")
    try:
        missed: Iterable[int] = run_cycle(cluster_ids=[deployment.cluster_id]).locked
    except (InvariantBroken, OverBooked, StalePlan) as problem:
        # It stays pending, which is a true answer; a worker tries again.
        log.error("cycle_failed", cluster_id=deployment.cluster_id, error=str(problem))
        missed = (deployment.cluster_id,)
    wakeups.on_commit(missed)


@transaction.atomic
def _attempt(ids: list[int]) -> CycleResult:
    began = time.perf_counter()
    clusters = lock_clusters(ids, skip_locked=True)
    locking_ms = (time.perf_counter() - began) * 1000
    seen = planning.look_and_decide(clusters)
    began = time.perf_counter()
    organizations = {cluster.pk: cluster.organization_id for cluster in clusters}
    changed = apply(seen.snapshot, seen.plan, seen.at, organizations)
    write_ms = (time.perf_counter() - began) * 1000
    cycles = [
        Cycle(
            cluster=cluster,
            organization_id=cluster.organization_id,
            at=seen.at,
            policy=policy.name,
            pending=decided.pending,
            scheduled=decided.scheduled,
            preempted=decided.preempted,
            unschedulable=decided.unschedulable,
            held=decided.held,
            read_ms=round(locking_ms + seen.read_ms, 3),
            plan_ms=seen.plan_ms,
            write_ms=round(write_ms, 3),
            batch=len(clusters),
        )
        for cluster, policy, decided in zip(
            clusters, seen.snapshot.heads.policy_of_each(), seen.plan.clusters, strict=True
        )
        if cluster.pk in changed
    ]
    Cycle.objects.bulk_create(cycles)
    _hint(seen.plan)
    return CycleResult(seen.plan, tuple(sorted(set(ids) - {cluster.pk for cluster in clusters})))


def _hint(plan: Plan) -> None:
    want_reconciling(
        *(decided.cluster_id for decided in plan.clusters if decided.starts or decided.evictions)
    )
    # Room left over waits for the next cycle, which is hinted at once.
    wakeups.on_commit(decided.cluster_id for decided in plan.clusters if decided.leftover)
