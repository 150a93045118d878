"""One scheduling cycle: lock, look, decide, check, write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clusters.locks import lock_clusters
from deployments.models import Deployment
from deployments.reconciling import want_reconciling
from deployments.services.booking import OverBooked, StalePlan
from deployments.services.locking import require_status
from deployments.services.steer import requeue_deployment
from deployments.states import FINAL, STARTABLE
from scheduling import snapshot as snapshots
from scheduling import tally
from scheduling.apply import apply
from scheduling.core.decide import decide
from scheduling.core.invariants import InvariantBroken, check
from scheduling.core.state import Plan, Policy
from scheduling.hints import wakeups
from scheduling.models import Cycle

log = structlog.get_logger(__name__)
POLICY = Policy()
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class CycleResult:
    """What a batch did. `locked`: clusters that somebody else held, to be asked for again."""

    plan: Plan
    locked: tuple[int, ...] = ()


def run_cycle(*, cluster_ids: Iterable[int], dry_run: bool = False) -> CycleResult:
    """Plan these clusters together and book the plan in one transaction; with `dry_run` only plan.

    A cluster that somebody else has locked is skipped and named in `locked`. Raises, with nothing written,
    InvariantBroken or OverBooked for a plan that must not be applied, and StalePlan if deployments kept changing.
    """
    ids = sorted(set(cluster_ids))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            began = time.perf_counter()
            result = _attempt(ids, dry_run=dry_run)
            if not dry_run:
                tally.count(result.plan, time.perf_counter() - began)
            return result
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
def _attempt(ids: list[int], *, dry_run: bool) -> CycleResult:
    began = time.perf_counter()
    now = timezone.now()
    clusters = lock_clusters(ids, skip_locked=True)
    snapshot = snapshots.load(clusters, now)
    read = time.perf_counter()
    plan = decide(snapshot, POLICY)
    check(snapshot, plan, POLICY)
    planned = time.perf_counter()
    locked = tuple(sorted(set(ids) - {cluster.pk for cluster in clusters}))
    if dry_run:
        return CycleResult(plan, locked)
    changed = apply(snapshot, plan, now)
    written = time.perf_counter()
    cycles = [
        Cycle(
            cluster=cluster,
            organization_id=cluster.organization_id,
            at=now,
            policy=POLICY.name,
            pending=len(state.pending),
            scheduled=decided.scheduled,
            preempted=decided.preempted,
            unschedulable=decided.unschedulable,
            held=decided.held,
            read_ms=round((read - began) * 1000, 3),
            plan_ms=round((planned - read) * 1000, 3),
            write_ms=round((written - planned) * 1000, 3),
            batch=len(clusters),
        )
        for cluster, state, decided in zip(clusters, snapshot.clusters, plan.clusters, strict=True)
        if cluster.pk in changed
    ]
    Cycle.objects.bulk_create(cycles)
    _hint(plan)
    return CycleResult(plan, locked)


def _hint(plan: Plan) -> None:
    want_reconciling(
        *(decided.cluster_id for decided in plan.clusters if decided.starts or decided.evictions)
    )
    # Room left over waits for the next cycle, which is hinted at once.
    wakeups.on_commit(decided.cluster_id for decided in plan.clusters if decided.leftover)
