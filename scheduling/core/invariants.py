"""What every plan must satisfy, added up afresh from snapshot and plan: a fault of the planner stops here.

Nothing here calls the planner, its triage or its ledger. Each check looks at all clusters at once.
"""

from typing import Any, NoReturn

import numpy as np

from scheduling.core.checked_rows import NOWHERE, Acts, Register, added_up, all_added_up
from scheduling.core.checked_seats import loses_seat, seats_without_room
from scheduling.core.columns import Flags, Ints, Rows
from scheduling.core.reasons import CODES, REASONS, Reason
from scheduling.core.state import Plan, Snapshot

SECOND = 1_000_000


class InvariantBroken(Exception):
    """A plan that must not be applied; the message names the cluster and the figures."""


def check(snapshot: Snapshot, plan: Plan) -> None:
    """Return if `plan` may be applied to `snapshot`; raise InvariantBroken, with figures, if not."""
    planned = [one.cluster_id for one in plan.clusters]
    given = snapshot.heads.id.tolist()
    if planned != given or len(set(given)) != len(given):
        raise InvariantBroken(f"the plan is for clusters {planned}, the snapshot has {given}")
    for id_, fault in snapshot.faults:
        raise InvariantBroken(f"cluster {id_}: {fault}")
    _Check(snapshot, plan).all()


class _Check:
    def __init__(self, snapshot: Snapshot, plan: Plan) -> None:
        self.snapshot, self.plan = snapshot, plan
        self.heads, self.pending, self.running = snapshot.heads, snapshot.pending, snapshot.running
        self.register = Register(snapshot)
        self.owner, self.runs_on = np.split(self.register.owner, [len(self.pending.id)])

    def all(self) -> None:
        self.snapshot_is_sound()
        self.acts = Acts(self.snapshot, self.plan, self.register)
        self.ids_are_known()
        self.blocked = self.heads.blocked[self.owner]
        self.exceeds = self.beyond(self.pending.need, self.heads.total, self.owner)
        self.held = all_added_up(self.running.need, self.running.offsets)
        self.loses_seat = loses_seat(self.snapshot, self.blocked, self.exceeds)
        rooms = self.heads.total - self.of_running(self.running.stopping)
        self.without_room = seats_without_room(self.snapshot, rooms, self.owner, self.loses_seat)
        self.granted_anew = self.without_room & ~self.acts.dropped.flags & ~self.acts.starts.flags
        self.seats_are_for_preemptors()
        self.blocked_keeps_still()
        self.seats_end_for_a_reason()
        self.evictions_are_allowed()
        self.capacity_is_kept()
        self.promises_are_kept()
        self.reasons_are_complete()
        self.counts_add_up()

    def broken(self, index: int | np.integer[Any], figures: str) -> NoReturn:
        raise InvariantBroken(f"cluster {self.heads.id[index]}: {figures}")

    def of_waiting(self, chosen: Flags) -> Ints:
        """What these of those who wait need, a row a cluster."""
        return added_up(self.pending.need, chosen, self.owner, len(self.snapshot))

    def of_running(self, without: Flags) -> Ints:
        """What runs holds, but for these, a row a cluster."""
        return self.held - added_up(self.running.need, without, self.runs_on, len(self.snapshot))

    def beyond(self, need: Ints, room: Ints, of: Rows) -> Flags:
        """Say of each row if it needs more than its cluster's room in any resource."""
        found = np.zeros(len(need), dtype=np.bool_)
        for resource in range(need.shape[1]):
            found |= need[:, resource] > room[of, resource]
        return found

    def snapshot_is_sound(self) -> None:
        for row in self.register.repeated:
            ids = self.register.id[self.register.owner == self.register.owner[row]]
            self.broken(
                self.register.owner[row],
                f"{len(ids)} rows in the snapshot, {len(set(ids.tolist()))} distinct ids",
            )
        for table, of in ((self.pending, self.owner), (self.running, self.runs_on)):
            if table.need.size and table.need.min() < 0:
                row = np.flatnonzero((table.need < 0).any(axis=1))[0]
                need, width = tuple(table.need[row].tolist()), table.need.shape[1]
                self.broken(of[row], f"deployment {table.id[row]} needs {need}, of {width} resources")

    def ids_are_known(self) -> None:
        granted, seats = self.acts.granted, self.acts.seats
        if twice := granted.repeated():
            self.broken(twice[0], f"started or seated twice: {twice[1]}")
        for at in np.flatnonzero(granted.row == NOWHERE):
            self.broken(granted.of[at], f"{granted.id[at]} is started or seated and was not pending")
        for at in np.flatnonzero(self.pending.hold[granted.row]):
            self.broken(granted.of[at], f"{granted.id[at]} is started or seated, and held")
        for at in np.flatnonzero(self.pending.seated[seats.row]):
            self.broken(seats.of[at], f"{seats.id[at]} had a seat and is given another")

    def lower(self, row: Rows) -> set[int]:
        """The priorities that this pending one may have evicted."""
        priority = int(self.pending.priority[row])
        policy = self.heads.policies[self.heads.policy[self.owner[row]]]
        return {lower for lower in policy.may_preempt.get(priority, ()) if lower < priority}

    def seats_are_for_preemptors(self) -> None:
        for row in (*self.acts.seats.row, *np.flatnonzero(self.granted_anew)):
            if not self.lower(row):
                self.broken(self.owner[row], f"{self.pending.id[row]} is given a seat and may preempt nobody")

    def blocked_keeps_still(self) -> None:
        for index in np.flatnonzero(self.heads.blocked):
            plan = self.plan.clusters[index]
            acts = len(plan.starts) + len(plan.seats) + len(plan.evictions)
            if acts:
                reason = REASONS[self.heads.blocked[index]]
                self.broken(index, f"is blocked ({reason}) and its plan has {acts} actions")

    def seats_end_for_a_reason(self) -> None:
        dropped = self.acts.dropped
        must = self.pending.seated & self.loses_seat
        may = self.without_room & ~self.acts.starts.flags
        wrong = (must & ~dropped.flags) | (dropped.flags & ~must & ~may)
        faults = self.owner[wrong].tolist() + dropped.of[dropped.row == NOWHERE].tolist()
        if twice := dropped.repeated():
            faults.append(twice[0])
        for index in faults:
            of_it = self.owner == index
            should, could = (sorted(self.pending.id[flags & of_it].tolist()) for flags in (must, may))
            self.broken(
                index,
                f"drops the seats of {dropped.in_cluster(index)}, should of {should} and may of {could}",
            )

    def evictions_are_allowed(self) -> None:
        victims, preemptors = self.acts.victims, self.acts.preemptors
        if twice := victims.repeated():
            self.broken(twice[0], f"evicted twice: {twice[1]}")
        seats = self.granted_anew | self.acts.seats.flags
        for index, victim, run, preemptor, row in zip(
            victims.of.tolist(), victims.id.tolist(), victims.row, preemptors.id.tolist(), preemptors.row,
            strict=True,
        ):  # fmt: skip
            if run == NOWHERE or self.running.stopping[run]:
                self.broken(index, f"{victim} is evicted and was not running")
            if row == NOWHERE or not seats[row]:
                self.broken(index, f"{victim} is evicted for {preemptor}, without a seat")
            lower = self.lower(row)
            if int(self.running.priority[run]) not in lower:
                self.broken(index, f"{victim} is evicted for {preemptor}, which may preempt {sorted(lower)}")
            self.victim_is_not_spared(index, victim, run)
        for index, times in enumerate(np.bincount(victims.of, minlength=len(self.snapshot)).tolist()):
            left = self.heads.evictions_left[index]
            if left is not None and times > left:
                self.broken(index, f"{times} evictions, its policy allows {left} at this moment")

    def victim_is_not_spared(self, index: int, victim: int, run: Rows) -> None:
        policy = self.heads.policies[self.heads.policy[index]]
        ran = int(self.heads.now[index] - self.running.started_at[run])
        if policy.minimum_run_seconds and ran < policy.minimum_run_seconds * SECOND:
            self.broken(index, f"{victim} is evicted before it ran {policy.minimum_run_seconds} s")
        times = int(self.running.evictions[run])
        if policy.most_evictions is not None and times >= policy.most_evictions:
            self.broken(index, f"{victim} is evicted and was {times} times, at most {policy.most_evictions}")

    def capacity_is_kept(self) -> None:
        held, more = self.held, self.of_waiting(self.acts.starts.flags)
        over = (more != 0) & (held + more > self.heads.total)
        for index, at in np.argwhere(over):
            self.broken(
                index,
                f"{self.snapshot.resources[at]}: {held[index, at]} held and {more[index, at]} started,"
                f" of {self.heads.total[index, at]}",
            )

    def promises_are_kept(self) -> None:
        acts, seated = self.acts, self.pending.seated
        new = (acts.starts.flags | acts.seats.flags) & ~seated
        gone = self.running.stopping | acts.victims.flags
        taken = (seated & ~acts.dropped.flags) | new
        after = self.heads.total - self.of_running(gone) - self.of_waiting(taken)
        # A promise broken before this cycle is not this plan's fault, as long as it grants nothing new.
        grants = np.zeros(len(self.snapshot), dtype=np.bool_)
        grants[self.owner[new | (self.without_room & ~acts.dropped.flags)]] = True
        for index, at in np.argwhere((after < 0) & grants[:, None]):
            self.broken(
                index,
                f"{self.snapshot.resources[at]}: promised {-after[index, at]} more than the"
                f" {self.heads.total[index, at]} there are",
            )
        victims = acts.victims
        needs = self.running.need[victims.row]
        for at in np.flatnonzero(~self.beyond(needs, after, victims.of)):
            need, room = tuple(needs[at].tolist()), tuple(after[victims.of[at]].tolist())
            self.broken(victims.of[at], f"{victims.id[at]} ({need}) is evicted needlessly: {room} stays free")

    def reasons_are_complete(self) -> None:
        acts, told = self.acts, self.plan.reasons
        if told.shape != self.owner.shape:
            raise InvariantBroken(f"{len(told)} reasons for {len(self.owner)} pending")
        for row in np.flatnonzero((told == 0) != acts.starts.flags)[:1]:
            of_it = self.owner == self.owner[row]
            reasons, left = np.count_nonzero(told[of_it]), np.count_nonzero(of_it & ~acts.starts.flags)
            self.broken(self.owner[row], f"{reasons} reasons for {left} still pending")
        seated = acts.seats.flags | (self.pending.seated & ~acts.dropped.flags)
        forced = np.where(seated, CODES[Reason.WAITING_FOR_EVICTION], 0)
        forced = np.where(self.exceeds, CODES[Reason.EXCEEDS_CLUSTER], forced)
        forced = np.where(self.blocked != 0, self.blocked, forced)
        forced = np.where(self.pending.hold != 0, self.pending.hold, forced)
        of_capacity = (told == CODES[Reason.INSUFFICIENT_CAPACITY]) | (
            told == CODES[Reason.RESERVED_FOR_OTHERS]
        )
        sound = acts.starts.flags | np.where(forced != 0, told == forced, of_capacity)
        for row in np.flatnonzero(~sound):
            self.broken(
                self.owner[row],
                f"{self.pending.id[row]} waits with reason {REASONS[told[row]]},"
                f" should with {REASONS[forced[row]] or 'one of capacity'}",
            )

    def counts_add_up(self) -> None:
        clusters = len(self.snapshot)
        waits = np.diff(self.pending.offsets) + self.heads.unlisted
        codes = (CODES[Reason.WAITING_FOR_DEPENDENCIES], CODES[Reason.DEPENDENCY_FAILED])
        held = (self.pending.hold == codes[0]) | (self.pending.hold == codes[1])
        starts, seats, victims = (
            np.bincount(named.of, minlength=clusters)
            for named in (self.acts.starts, self.acts.seats, self.acts.victims)
        )
        redeemed = np.bincount(self.owner[self.acts.starts.flags & self.pending.seated], minlength=clusters)
        expected = np.stack(
            (
                starts + seats - redeemed,
                victims,
                waits - starts - seats,
                np.bincount(self.owner[held], minlength=clusters) + self.heads.unlisted_held,
            ),
            axis=1,
        )
        counted = np.array(
            [(one.scheduled, one.preempted, one.unschedulable, one.held) for one in self.plan.clusters]
        ).reshape(clusters, 4)
        for index in np.flatnonzero((counted != expected).any(axis=1)):
            counts, sums = tuple(counted[index].tolist()), tuple(expected[index].tolist())
            self.broken(
                index, f"scheduled, preempted, unschedulable, held: counted {counts}, should be {sums}"
            )
