"""One cluster's plan in the making: the steps of the two-phase rule, in the order of the rule."""

from collections.abc import Sequence

from scheduling.core.amounts import fits
from scheduling.core.certificates import Certificate, Step
from scheduling.core.evidence import as_candidate, certify, evictable
from scheduling.core.ledger import Ledger, total_of
from scheduling.core.policy import VictimOrder
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Eviction, Pending, Running
from scheduling.core.victims import Candidate, VictimPool

HELD_BY_DEPENDENCIES = frozenset({Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED})


class Draft:
    """The decisions taken so far in one unblocked cluster. Dicts keep the order of decision."""

    def __init__(self, *, cluster: ClusterState, queue: Sequence[Pending]) -> None:
        """Sort out `queue`, given in queue order: who is held, who has a seat, who waits for room."""
        self.cluster = cluster
        self.queue = queue
        self.held: dict[int, Reason] = {}
        self.seated: list[Pending] = []
        self.waiting: list[Pending] = []
        total = total_of(cluster)
        for one in queue:
            hold = one.hold
            if hold is None and not fits(one.need, total):
                hold = Reason.EXCEEDS_CLUSTER
            if hold is not None:
                self.held[one.id] = hold
            else:
                (self.seated if one.seated else self.waiting).append(one)
        self.ledger = Ledger(total=total, cluster=cluster, seats=(one.need for one in self.seated))
        self.unseated: set[int] = set()
        self.seats_started: dict[int, None] = {}
        self.starts: dict[int, None] = {}
        self.withdrawn: set[int] = set()
        self.seats: dict[int, None] = {}
        self.evictions: dict[int, int] = {}
        self.kept_out: set[int] = set()
        self.victims: list[Candidate] = []
        self.pool: VictimPool | None = None
        self.steps: list[Step] = []
        self.given_back: list[int] = []

    def drop_seats_without_room(self) -> None:
        """Drop the seats that nothing which stops can satisfy, for the engine shrank: lowest and newest first.

        Each such one goes through both phases like any other, and may be given a seat anew, with its own victims.
        """
        # What one leaves never makes another short, so a single pass finds them all.
        for one in sorted(self.seated, key=lambda one: (one.priority, -one.queued_at, -one.id)):
            if self.ledger.is_short_of(one.need):
                self.ledger.unseat(one.need)
                self.unseated.add(one.id)
        if self.unseated:
            self.seated = [one for one in self.seated if one.id not in self.unseated]
            self.waiting = [
                one
                for one in self.queue
                if one.id not in self.held and (not one.seated or one.id in self.unseated)
            ]

    def start_seated(self) -> None:
        """Start each seat granted in an earlier cycle that fits what is free now."""
        for one in self.seated:
            if fits(one.need, self.ledger.free_now):
                self.ledger.start_seated(one.need)
                self.seats_started[one.id] = None

    def preempt(self) -> None:
        """Phase 2: each preemptor still pending starts, or gets a seat, at the cost of lower priorities."""
        policy = self.cluster.policy
        lower_than = {priority: policy.preemptible_by(priority) for priority in policy.may_preempt}
        own_starts = dict(self.starts)
        for one in self.waiting:
            lower = lower_than.get(one.priority)
            if not lower or self._is_started(one):
                continue
            chosen: list[Candidate] = []
            if not fits(one.need, self.ledger.after):
                if self.pool is None:
                    self.pool = VictimPool(
                        width=len(self.cluster.resources),
                        running=evictable(self.cluster),
                        own_starts=[start for start in self.waiting if start.id in own_starts],
                        youngest_first=policy.victim_order is VictimOrder.YOUNGEST,
                    )
                chosen = self.pool.choose(need=one.need, after=self.ledger.after, priorities=lower)
                if not chosen or not self._may_evict(chosen):
                    continue
            self._make_room(one, chosen)

    def _may_evict(self, chosen: Sequence[Candidate]) -> bool:
        left = self.cluster.evictions_left
        more = sum(1 for victim in chosen if isinstance(victim, Running))
        return not more or left is None or len(self.evictions) + more <= left

    def _make_room(self, preemptor: Pending, chosen: Sequence[Candidate]) -> None:
        room, ids = tuple(self.ledger.after), tuple(victim.id for victim in chosen)
        self.steps.append(Step(preemptor.id, preemptor.priority, preemptor.need, room, ids))
        evicts = False
        for victim in chosen:
            if self.pool is not None:
                self.pool.take(victim)
            if isinstance(victim, Running):
                evicts = True
                self.evictions[victim.id] = preemptor.id
                self.ledger.evict(victim.need)
            else:
                self.withdrawn.add(victim.id)
                self.ledger.withdraw(victim.need)
        self.victims.extend(chosen)
        # A start would leave its evictions without a seat to serve: it starts at once only without any.
        if not evicts and self.ledger.can_start(preemptor.need):
            self._start(preemptor)
        else:
            self._seat(preemptor)

    def offer_back(self) -> None:
        """Give back, in reverse order of choice, each victim of the whole plan that no seat needs any more.

        A later preemptor's larger victim can make an earlier preemptor's needless.
        """
        for victim in reversed(self.victims):
            if isinstance(victim, Running):
                if fits(victim.need, self.ledger.after):
                    self.ledger.spare(victim.need)
                    del self.evictions[victim.id]
                    self.given_back.append(victim.id)
            elif victim.id in self.withdrawn and self.ledger.can_start(victim.need):
                self.ledger.start(victim.need)
                self.withdrawn.remove(victim.id)
                self.given_back.append(victim.id)

    def certificate(self) -> Certificate | None:
        """Say why each eviction is needed; None where there is none."""
        if not self.evictions or self.pool is None:
            return None
        able = self.cluster.policy.victims
        return certify(
            self.cluster,
            candidates=(as_candidate(row, self.cluster) for row in self.pool.rows if row.priority in able),
            steps=self.steps,
            given_back=self.given_back,
            room=tuple(self.ledger.after),
            free_now=tuple(self.ledger.free_now),
        )

    def _is_started(self, one: Pending) -> bool:
        return one.id in self.starts and one.id not in self.withdrawn

    def _start(self, one: Pending) -> None:
        self._forget_withdrawal(one)
        self.ledger.start(one.need)
        self.starts[one.id] = None

    def _seat(self, one: Pending) -> None:
        self._forget_withdrawal(one)
        self.ledger.seat(one.need)
        self.seats[one.id] = None

    def _forget_withdrawal(self, one: Pending) -> None:
        # A withdrawn one that is placed in its own right is no victim any more: nothing to give back.
        if one.id in self.withdrawn:
            self.withdrawn.remove(one.id)
            del self.starts[one.id]

    def finish(self, certificate: Certificate | None = None) -> ClusterPlan:
        """Give each one still pending its reason and count."""
        starts = [id_ for id_ in (*self.seats_started, *self.starts) if id_ not in self.withdrawn]
        started = set(starts)
        reasons: list[tuple[int, Reason]] = []
        dropped: list[int] = []
        leftover = False
        free_now, after = self.ledger.free_now, self.ledger.after
        for one in self.queue:
            if one.id in started:
                continue
            reason = self.held.get(one.id)
            has_seat = one.id in self.seats or (one.seated and reason is None and one.id not in self.unseated)
            if one.seated and not has_seat:
                dropped.append(one.id)
            if has_seat:
                reason = Reason.WAITING_FOR_EVICTION
                leftover = leftover or fits(one.need, free_now)
            elif reason is None:
                reason = Reason.INSUFFICIENT_CAPACITY
                if fits(one.need, free_now):
                    if one.id in self.kept_out or not fits(one.need, after):
                        reason = Reason.RESERVED_FOR_OTHERS
                    else:
                        leftover = True
            reasons.append((one.id, reason))
        new_seats = tuple(id_ for id_ in self.seats if id_ not in self.unseated)
        counted_before = len(self.seats_started) + len(started & self.unseated)
        return ClusterPlan(
            cluster_id=self.cluster.id,
            starts=tuple(starts),
            seats=new_seats,
            dropped_seats=tuple(dropped),
            evictions=tuple(Eviction(*pair) for pair in self.evictions.items()),
            reasons=tuple(reasons),
            scheduled=len(starts) - counted_before + len(new_seats),
            preempted=len(self.evictions),
            unschedulable=len(reasons) - len(new_seats),
            held=sum(1 for reason in self.held.values() if reason in HELD_BY_DEPENDENCIES),
            leftover=leftover,
            certificate=certificate,
        )
