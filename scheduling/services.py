"""One scheduling cycle: lock, look, decide, check, write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import connection, transaction

from accounts.models import User
from clusters.locks import lock_clusters
from clusters.models import Cluster
from deployments.models import Deployment
from deployments.reconciling import want_reconciling
from deployments.services.booking import OverBooked, StalePlan
from deployments.services.locking import require_status
from deployments.services.steer import requeue_deployment
from deployments.states import FINAL, STARTABLE
from scheduling import planning, refusals, tally, waiting
from scheduling.apply import apply
from scheduling.core.invariants import InvariantBroken
from scheduling.core.state import Plan
from scheduling.hints import wakeups
from scheduling.models import Cycle

log = structlog.get_logger(__name__)
ATTEMPTS = 5


NOTHING_DONE = (InvariantBroken, OverBooked, StalePlan)
"""What `run_cycle` raises, with nothing written."""


@dataclass(frozen=True, slots=True)
class CycleResult:
    """What a batch did. `locked`: clusters that somebody else held, to be asked for again."""

    plan: Plan
    locked: tuple[int, ...] = ()


def run_cycle(*, cluster_ids: Iterable[int], everybody: bool = False) -> CycleResult:
    """Plan these clusters together and book the plan in one transaction.

    With `everybody` the plan's counts and reasons are of all that wait; else those that wait quietly are not read.
    A cluster that somebody else has locked is skipped and named in `locked`. Raises, with nothing written,
    InvariantBroken or OverBooked for a plan that must not be applied, and StalePlan if deployments kept changing.
    """
    ids = sorted(set(cluster_ids))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            began = time.perf_counter()
            result = _attempt(ids, everybody)
            tally.count(result.plan, time.perf_counter() - began)
            refusals.forget(decided.cluster_id for decided in result.plan.clusters)
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
    except NOTHING_DONE as problem:
        # It stays pending, which is a true answer; a worker tries again.
        log.error("cycle_failed", cluster_id=deployment.cluster_id, error=str(problem))
        missed = (deployment.cluster_id,)
    wakeups.on_commit(missed)


@transaction.atomic
def _attempt(ids: list[int], everybody: bool) -> CycleResult:
    began = time.perf_counter()
    clusters = lock_clusters(ids, skip_locked=True)
    locking_ms = (time.perf_counter() - began) * 1000
    seen = planning.look_and_decide(clusters, everybody=everybody)
    began = time.perf_counter()
    organizations = {cluster.pk: cluster.organization_id for cluster in clusters}
    changed = apply(seen.snapshot, seen.plan, seen.at, organizations)
    write_ms = (time.perf_counter() - began) * 1000
    _hint(seen.plan)
    if not changed:
        _commit_without_waiting()
        return _result(seen.plan, ids, clusters)
    quiet = _quiet(seen.plan, changed)
    cycles = [
        Cycle(
            cluster=cluster,
            organization_id=cluster.organization_id,
            at=seen.at,
            policy=policy.name,
            pending=decided.pending + quiet[cluster.pk][0],
            scheduled=decided.scheduled,
            preempted=decided.preempted,
            unschedulable=decided.unschedulable + quiet[cluster.pk][0],
            held=decided.held + quiet[cluster.pk][1],
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
    return _result(seen.plan, ids, clusters)


def _result(plan: Plan, asked: Iterable[int], locked: Iterable[Cluster]) -> CycleResult:
    return CycleResult(plan, tuple(sorted(set(asked) - {cluster.pk for cluster in locked})))


def _commit_without_waiting() -> None:
    """For a transaction that took locks and wrote nothing: a lock need not outlive a power cut."""
    if connection.savepoint_ids:
        return  # inside somebody else's transaction, who may have written
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _quiet(plan: Plan, cluster_ids: set[int]) -> dict[int, tuple[int, int]]:
    """Cluster → how many wait there that the plan does not know, and how many of them for their dependencies.

    By now whoever the plan knows has been told its reason; who was submitted meanwhile has none yet.
    """
    told = waiting.counted(sorted(cluster_ids)) if cluster_ids else {}
    known = {
        decided.cluster_id: (len(decided.reasons), decided.held)
        for decided in plan.clusters
        if decided.cluster_id in cluster_ids
    }
    found = {}
    for id_, (ours, ours_held) in known.items():
        all_, all_held = told.get(id_, (0, 0))
        # Of those that it knows one may have been cancelled just now.
        found[id_] = (max(0, all_ - ours), max(0, all_held - ours_held))
    return found


def _hint(plan: Plan) -> None:
    want_reconciling(
        *(decided.cluster_id for decided in plan.clusters if decided.starts or decided.evictions)
    )
    # Room left over waits for the next cycle, which is hinted at once.
    wakeups.on_commit(decided.cluster_id for decided in plan.clusters if decided.leftover)
