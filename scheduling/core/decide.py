"""The planner's one door: a snapshot in, a plan out; the same state gives the same plan."""

from scheduling.core.draft import HELD_BY_DEPENDENCIES, Draft
from scheduling.core.order import Standing, queue_order
from scheduling.core.policy import VictimOrder
from scheduling.core.preemptors_first import PreemptorsFirst
from scheduling.core.reasons import Reason
from scheduling.core.starting import start_what_fits
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Plan, Snapshot


def decide(snapshot: Snapshot) -> Plan:
    """Plan one cycle for each cluster of the snapshot, by that cluster's policy.

    The order of rows within a cluster does not matter. Ids must be unique within it, over running and pending
    together; `invariants.check` refuses a plan made from anything else.
    """
    return Plan(clusters=tuple(decide_cluster(cluster) for cluster in snapshot.clusters))


def decide_cluster(cluster: ClusterState) -> ClusterPlan:
    """Plan one cycle for one cluster."""
    queue = queue_order(cluster)
    if cluster.blocked is not None:
        return _keep_still(cluster, queue, cluster.blocked)
    draft = Draft(cluster=cluster, queue=queue)
    draft.drop_seats_without_room()
    draft.start_seated()
    standing = Standing(cluster)
    if cluster.policy.victim_order is VictimOrder.LEAST_LOST_WORK:
        first = PreemptorsFirst(draft, standing)
        start_what_fits(draft, standing, passed_over=first.place_preemptors())
        return draft.finish(first.certificate())
    start_what_fits(draft, standing)
    draft.preempt()
    draft.offer_back()
    return draft.finish(draft.certificate())


def _keep_still(cluster: ClusterState, queue: list[Pending], blocked: Reason) -> ClusterPlan:
    """Plan nothing. Seats end, except in an overcommitted cluster: there the promised room may return."""
    keeps_seats = blocked is Reason.CLUSTER_OVERCOMMITTED
    return ClusterPlan(
        cluster_id=cluster.id,
        starts=(),
        seats=(),
        dropped_seats=tuple(
            one.id for one in queue if one.seated and (one.hold is not None or not keeps_seats)
        ),
        evictions=(),
        reasons=tuple((one.id, blocked if one.hold is None else one.hold) for one in queue),
        scheduled=0,
        preempted=0,
        unschedulable=len(queue),
        held=sum(1 for one in queue if one.hold in HELD_BY_DEPENDENCIES),
        leftover=False,
    )
