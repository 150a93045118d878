"""Whom the policy lets go at all, and the certificate that tells of the choice among them."""

from collections.abc import Iterable, Iterator, Sequence

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Candidate, Certificate, Step, lost_work, totals_of
from scheduling.core.order import SECOND
from scheduling.core.policy import Policy, VictimOrder
from scheduling.core.state import ClusterState, Pending, Running


def evictable(cluster: ClusterState) -> Iterator[Running]:
    """List the runs that somebody may preempt, that have run long enough and were not preempted too often."""
    policy = cluster.policy
    priorities = policy.victims
    least_run = policy.minimum_run_seconds * SECOND
    for run in cluster.running:
        if run.stopping or run.priority not in priorities or max(0, cluster.now - run.started_at) < least_run:
            continue
        if policy.most_evictions is None or run.evictions < policy.most_evictions:
            yield run


def counts_lost_work_alone(policy: Policy) -> bool:
    """Say whether its victims are chosen among all who may go, whatever their priority."""
    return policy.victim_order is VictimOrder.LEAST_LOST_WORK and not policy.lower_priority_first


def as_candidate(row: Running | Pending, cluster: ClusterState) -> Candidate:
    """Tell of a possible victim in a certificate's figures."""
    if not isinstance(row, Running):
        now = cluster.now
        return Candidate(row.id, row.priority, row.need, now, now, 0, own_start=True, rank=row.priority)
    saved_at = row.started_at if row.saved_at is None else row.saved_at
    lost = lost_work(row.need, work_resource=cluster.work_resource, saved_at=saved_at, now=cluster.now)
    return Candidate(
        id=row.id,
        priority=row.priority,
        need=row.need,
        started_at=row.started_at,
        saved_at=saved_at,
        lost=lost,
        evictions=row.evictions,
        rank=0 if counts_lost_work_alone(cluster.policy) else row.priority,
    )


def certify(
    cluster: ClusterState,
    *,
    candidates: Iterable[Candidate],
    steps: Sequence[Step],
    given_back: Sequence[int],
    room: Amount,
    free_now: Amount,
) -> Certificate:
    """Write the certificate of one cluster's evictions under its policy; see `Certificate` for the figures."""
    candidates = tuple(candidates)
    return Certificate(
        policy=cluster.policy.name,
        victim_order=cluster.policy.victim_order,
        may_preempt=cluster.policy.may_preempt,
        now=cluster.now,
        work_resource=cluster.work_resource,
        candidates=candidates,
        steps=tuple(steps),
        given_back=tuple(given_back),
        room=room,
        free_now=free_now,
        totals=totals_of(candidates),
        minimum_run_seconds=cluster.policy.minimum_run_seconds,
        most_evictions=cluster.policy.most_evictions,
        evictions_left=cluster.evictions_left,
        lower_priority_first=not counts_lost_work_alone(cluster.policy),
    )
