"""What every plan must satisfy, added up afresh from snapshot and plan: a fault of the planner stops here.

Nothing here calls the planner or its ledger. Each check is linear in the rows of the cluster.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from scheduling.core.amounts import Amount
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Plan, Running, Snapshot


class InvariantBroken(Exception):
    """A plan that must not be applied; the message names the cluster and the figures."""


def check(snapshot: Snapshot, plan: Plan) -> None:
    """Return if `plan` may be applied to `snapshot`; raise InvariantBroken, with figures, if not."""
    planned = [one.cluster_id for one in plan.clusters]
    given = [one.id for one in snapshot.clusters]
    if planned != given or len(set(given)) != len(given):
        raise InvariantBroken(f"the plan is for clusters {planned}, the snapshot has {given}")
    for id_, fault in snapshot.faults:
        raise InvariantBroken(f"cluster {id_}: {fault}")
    for cluster, cluster_plan in zip(snapshot.clusters, plan.clusters, strict=True):
        _Check(cluster, cluster_plan).all()


class _Check:
    def __init__(self, cluster: ClusterState, plan: ClusterPlan) -> None:
        self.cluster = cluster
        self.plan = plan
        self.policy = cluster.policy
        self.pending: dict[int, Pending] = {one.id: one for one in cluster.pending}
        self.running: dict[int, Running] = {one.id: one for one in cluster.running}
        self.total = self.sum(cluster.pools)

    def sum(self, amounts: Iterable[Amount]) -> Amount:
        # Column sums in one pass each; the empty sum still has an entry for every resource.
        width = len(self.cluster.resources)
        return tuple(map(sum, zip(*amounts, (0,) * width, strict=True)))

    def require(self, condition: bool, figures: str) -> None:
        if not condition:
            raise InvariantBroken(f"cluster {self.cluster.id}: {figures}")

    def all(self) -> None:
        self.snapshot_is_sound()
        self.ids_are_known()
        self.blocked_keeps_still()
        self.seats_end_for_a_reason()
        self.evictions_are_allowed()
        self.capacity_is_kept()
        self.promises_are_kept()
        self.reasons_are_complete()
        self.counts_add_up()

    def snapshot_is_sound(self) -> None:
        count = len(self.cluster.pending) + len(self.cluster.running)
        distinct = len(self.pending.keys() | self.running.keys())
        self.require(count == distinct, f"{count} rows in the snapshot, {distinct} distinct ids")
        width = len(self.cluster.resources)
        rows: Iterable[Pending | Running] = (*self.cluster.pending, *self.cluster.running)
        for row in rows:
            self.require(
                len(row.need) == width and (not width or min(row.need) >= 0),
                f"deployment {row.id} needs {row.need}, of {width} resources",
            )

    def ids_are_known(self) -> None:
        plan = self.plan
        granted = (*plan.starts, *plan.seats)
        self.require(len(set(granted)) == len(granted), f"started or seated twice: {_repeated(granted)}")
        for id_ in granted:
            one = self.pending.get(id_)
            self.require(one is not None, f"{id_} is started or seated and was not pending")
            self.require(one is None or one.hold is None, f"{id_} is started or seated, and held")
        for id_ in plan.seats:
            self.require(not self.pending[id_].seated, f"{id_} had a seat and is given another")
        for id_ in (*plan.seats, *sorted(self.seats_granted_anew)):
            self.require(bool(self.lower(id_)), f"{id_} is given a seat and may preempt nobody")

    def lower(self, id_: int) -> set[int]:
        priority = self.pending[id_].priority
        return {lower for lower in self.policy.may_preempt.get(priority, ()) if lower < priority}

    def blocked_keeps_still(self) -> None:
        plan, blocked = self.plan, self.cluster.blocked
        acts = len(plan.starts) + len(plan.seats) + len(plan.evictions)
        self.require(blocked is None or acts == 0, f"is blocked ({blocked}) and its plan has {acts} actions")

    def seats_end_for_a_reason(self) -> None:
        must = {one.id for one in self.cluster.pending if one.seated and self.loses_seat(one)}
        may = self.seats_without_room - set(self.plan.starts)
        dropped = self.plan.dropped_seats
        self.require(
            len(dropped) == len(set(dropped)) and must <= set(dropped) <= must | may,
            f"drops the seats of {sorted(dropped)}, should of {sorted(must)} and may of {sorted(may)}",
        )

    def loses_seat(self, one: Pending) -> bool:
        if one.hold is not None:
            return True
        if self.cluster.blocked is not None:
            return self.cluster.blocked is not Reason.CLUSTER_OVERCOMMITTED
        return self.exceeds(one)

    @cached_property
    def seats_without_room(self) -> set[int]:
        """The earlier seats that nothing which stops can satisfy, found from the end of the queue."""
        if self.cluster.blocked is not None:
            return set()
        seats = [one for one in self.cluster.pending if one.seated and not self.loses_seat(one)]
        stays = self.sum(run.need for run in self.cluster.running if not run.stopping)
        promised = self.sum(one.need for one in seats)
        room = [total - held - more for total, held, more in zip(self.total, stays, promised, strict=True)]
        found: set[int] = set()
        if all(there >= 0 for there in room):
            return found
        for one in sorted(seats, key=lambda one: (one.priority, -one.queued_at, -one.id)):
            if any(need and there < 0 for need, there in zip(one.need, room, strict=True)):
                room = [there + need for need, there in zip(one.need, room, strict=True)]
                found.add(one.id)
        return found

    @cached_property
    def seats_granted_anew(self) -> set[int]:
        """Of those, the ones that are still seated at the end: dropped and granted within this cycle."""
        return self.seats_without_room.difference(self.plan.dropped_seats, self.plan.starts)

    def exceeds(self, one: Pending) -> bool:
        return any(need > there for need, there in zip(one.need, self.total, strict=True))

    def evictions_are_allowed(self) -> None:
        victims = [one.victim for one in self.plan.evictions]
        self.require(len(set(victims)) == len(victims), f"evicted twice: {_repeated(victims)}")
        seats = self.seats_granted_anew.union(self.plan.seats)
        for one in self.plan.evictions:
            run = self.running.get(one.victim)
            self.require(run is not None and not run.stopping, f"{one.victim} is evicted and was not running")
            self.require(
                one.preemptor in seats, f"{one.victim} is evicted for {one.preemptor}, without a seat"
            )
            lower = self.lower(one.preemptor)
            self.require(
                run is not None and run.priority in lower,
                f"{one.victim} is evicted for {one.preemptor}, which may preempt {sorted(lower)}",
            )

    def capacity_is_kept(self) -> None:
        held = self.sum(run.need for run in self.cluster.running)
        started = self.sum(self.pending[id_].need for id_ in self.plan.starts)
        for name, total, before, more in zip(self.cluster.resources, self.total, held, started, strict=True):
            self.require(
                more == 0 or before + more <= total,
                f"{name}: {before} held and {more} started, of {total}",
            )

    def promises_are_kept(self) -> None:
        plan = self.plan
        evicted = {one.victim for one in plan.evictions}
        stays = self.sum(
            run.need for run in self.cluster.running if not run.stopping and run.id not in evicted
        )
        gone = set(plan.dropped_seats)
        taken = self.sum(
            one.need
            for one in (
                *(one for one in self.cluster.pending if one.seated and one.id not in gone),
                *(self.pending[id_] for id_ in (*plan.starts, *plan.seats) if not self.pending[id_].seated),
            )
        )
        after = [total - used - more for total, used, more in zip(self.total, stays, taken, strict=True)]
        # A promise broken before this cycle is not this plan's fault, as long as it grants nothing new.
        new = {id_ for id_ in (*plan.starts, *plan.seats) if not self.pending[id_].seated}
        if new or self.seats_without_room.difference(plan.dropped_seats):
            for name, room, total in zip(self.cluster.resources, after, self.total, strict=True):
                self.require(room >= 0, f"{name}: promised {-room} more than the {total} there are")
        for victim in evicted:
            need = self.running[victim].need
            self.require(
                any(amount > room for amount, room in zip(need, after, strict=True)),
                f"{victim} ({need}) is evicted needlessly: {tuple(after)} stays free",
            )

    def reasons_are_complete(self) -> None:
        starts, dropped = set(self.plan.starts), set(self.plan.dropped_seats)
        seats, blocked = set(self.plan.seats), self.cluster.blocked
        reasons = dict(self.plan.reasons)
        left = self.pending.keys() - starts
        self.require(
            len(self.plan.reasons) == len(reasons) and reasons.keys() == left,
            f"{len(self.plan.reasons)} reasons for {len(left)} still pending",
        )
        for id_, reason in reasons.items():
            one = self.pending[id_]
            seated = id_ in seats or (one.seated and id_ not in dropped)
            forced = one.hold or blocked
            if forced is None and self.exceeds(one):
                forced = Reason.EXCEEDS_CLUSTER
            if forced is None and seated:
                forced = Reason.WAITING_FOR_EVICTION
            self.require(
                reason is forced
                if forced is not None
                else reason in (Reason.INSUFFICIENT_CAPACITY, Reason.RESERVED_FOR_OTHERS),
                f"{id_} waits with reason {reason}, should with {forced or 'one of capacity'}",
            )

    def counts_add_up(self) -> None:
        plan = self.plan
        redeemed = sum(1 for id_ in plan.starts if self.pending[id_].seated)
        held = sum(
            1
            for one in self.cluster.pending
            if one.hold in (Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED)
        )
        expected = (
            len(plan.starts) + len(plan.seats) - redeemed,
            len(plan.evictions),
            len(self.cluster.pending) - len(plan.starts) - len(plan.seats),
            held,
        )
        counted = (plan.scheduled, plan.preempted, plan.unschedulable, plan.held)
        self.require(
            counted == expected,
            f"scheduled, preempted, unschedulable, held: counted {counted}, should be {expected}",
        )


def _repeated(ids: Iterable[int]) -> list[int]:
    return sorted(id_ for id_, times in Counter(ids).items() if times > 1)
