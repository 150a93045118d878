"""The planner's one door: a snapshot in, a plan out; the same state gives the same plan."""

from dataclasses import replace

import numpy as np

from scheduling.core.columns import Codes, Rows
from scheduling.core.draft import HELD_BY_DEPENDENCIES, Draft
from scheduling.core.first_phase import first_phase
from scheduling.core.order import Standing, queue_order
from scheduling.core.policy import VictimOrder
from scheduling.core.preemptors_first import PreemptorsFirst
from scheduling.core.reasons import CODES, Reason
from scheduling.core.starting import start_what_fits
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Plan, Snapshot
from scheduling.core.triage import triage
from scheduling.core.waits import Waits


def decide(snapshot: Snapshot) -> Plan:
    """Plan one cycle for each cluster of the snapshot, by that cluster's policy.

    The order of rows within a cluster does not matter. Ids must be unique within it, over running and pending
    together; `invariants.check` refuses a plan made from anything else.

    Whoever cannot matter is sorted out over all clusters at once, and where the queue order alone decides, all clusters
    start together what fits. The others are planned one by one, from the rows that can matter.
    """
    pending, heads = snapshot.pending, snapshot.heads
    seen = triage(snapshot)
    phase = first_phase(snapshot, seen)
    reasons = seen.reasons
    reasons[phase.starts] = 0
    reasons[phase.reserved] = CODES[Reason.RESERVED_FOR_OTHERS]

    starts, starts_at = pending.id[phase.starts].tolist(), phase.offsets.tolist()
    live = np.flatnonzero(seen.live & ~phase.planned[seen.owner])
    live_at = np.searchsorted(live, pending.offsets).tolist()
    waiting = (np.diff(pending.offsets) + heads.unlisted).tolist()
    plans = []
    for index, (id_, held) in enumerate(zip(heads.id.tolist(), seen.held.tolist(), strict=True)):
        rows = live[live_at[index] : live_at[index + 1]]
        if rows.size:
            plan = decide_cluster(snapshot.part(index, rows))
            _tell(reasons, rows, pending.id[rows].tolist(), plan)
            plans.append(
                replace(
                    plan,
                    reasons=Waits(snapshot, reasons, index),
                    unschedulable=plan.unschedulable + waiting[index] - rows.size,
                    held=held,
                )
            )
            continue
        started = tuple(starts[starts_at[index] : starts_at[index + 1]])
        plans.append(
            ClusterPlan(
                cluster_id=id_,
                starts=started,
                seats=(),
                dropped_seats=(),
                evictions=(),
                reasons=Waits(snapshot, reasons, index),
                scheduled=len(started),
                preempted=0,
                unschedulable=waiting[index] - len(started),
                held=held,
                leftover=False,
            )
        )
    return Plan(tuple(plans), reasons)


def _tell(reasons: Codes, rows: Rows, ids: list[int], plan: ClusterPlan) -> None:
    told = dict(plan.reasons)
    reasons[rows] = [CODES[told.get(id_)] for id_ in ids]


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
