"""When a deployment starts if nobody else submits: the cycles to come, replayed with the ends that are likely."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from scheduling.core.amounts import subtract
from scheduling.core.decide import decide
from scheduling.core.dependents import Dependents, WaitsOn
from scheduling.core.forks import Budget
from scheduling.core.ledger import total_of
from scheduling.core.lengths import UNKNOWN, Ends, Length, span_of
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running, Snapshot
from scheduling.core.who_matters import Waiting

MOST_CYCLES = 64
"""So many cycles of each kind are replayed."""


class Unknown(StrEnum):
    """Why nobody can say when it starts."""

    HELD = "held"
    """Something of its own holds it, whose end is not known."""
    CLUSTER = "cluster_is_not_ready"
    NEVER = "exceeds_cluster"
    ENDS = "ends_are_unknown"
    """It is not known when enough of those end who hold the room that it needs."""
    TOO_FAR = "too_far_ahead"
    """More must end before than is looked at."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Moments in microseconds since the epoch; None where nobody knows, and then `unknown` says why, if all are.

    `earliest`: if everything ends as early as one in ten of its kind; `latest`: if everything takes as long as nine in
    ten, or its time limit.
    """

    earliest: int | None = None
    likely: int | None = None
    latest: int | None = None
    unknown: Unknown | None = None


Telling = Callable[[Ends], int | None]
"""One of the three ends of a run."""


def _earliest(ends: Ends) -> int | None:
    return ends.earliest


def _likely(ends: Ends) -> int | None:
    return ends.likely


def _latest(ends: Ends) -> int | None:
    return ends.latest


def forecast(
    *,
    cluster: ClusterState,
    target: Pending,
    ends: Mapping[int, Ends],
    lengths: Mapping[int, Length],
    budget: Budget,
    waits_on: WaitsOn | None = None,
) -> Forecast:
    """Replay the cycles of `cluster` until `target` starts: with early, likely and late ends.

    Nobody else submits, nobody fails, and who is evicted comes back with its old place. `lengths` are of those who
    run and who wait; whose end is unknown holds its room for ever, so what is told does not count on it. An end
    completes a run, which frees those who wait for it alone (`waits_on`).
    """
    waits_on = waits_on or {}
    depends = target.hold is Reason.WAITING_FOR_DEPENDENCIES and target.id in waits_on
    if target.hold is not None and not depends:
        return Forecast(unknown=Unknown.HELD)
    if cluster.blocked is not None:
        return Forecast(unknown=Unknown.CLUSTER)
    if any(need > total for need, total in zip(target.need, total_of(cluster), strict=True)):
        return Forecast(unknown=Unknown.NEVER)
    found: list[int | None] = []
    far = held = False
    for telling in (_earliest, _likely, _latest):
        replay = _Replay(cluster, target, telling, ends, lengths, budget, waits_on)
        moment = replay.start()
        found.append(None if replay.was_helped else moment)
        far = far or replay.gave_up
        held = held or replay.is_held
    earliest, likely, latest = found
    if likely is not None:
        # Less room earlier can be the better luck; what is told stays in order.
        earliest = None if earliest is None else min(earliest, likely)
        latest = None if latest is None else max(latest, likely)
    if earliest is None and likely is None and latest is None:
        return Forecast(unknown=Unknown.TOO_FAR if far else Unknown.HELD if held else Unknown.ENDS)
    return Forecast(earliest, likely, latest)


class _Replay:
    def __init__(
        self,
        cluster: ClusterState,
        target: Pending,
        telling: Telling,
        ends: Mapping[int, Ends],
        lengths: Mapping[int, Length],
        budget: Budget,
        waits_on: WaitsOn,
    ) -> None:
        self.cluster, self.target, self.telling = cluster, target, telling
        self.dependents, self.completed = Dependents(waits_on), set[int]()
        self.lengths, self.budget = lengths, budget
        self.now = cluster.now
        self.total = total_of(cluster)
        self.running = {run.id: run for run in cluster.running}
        self.end: dict[int, int | None] = {}
        self.helped: set[int] = set()
        self.was_helped = False
        for id_ in self.running:
            self._ends(id_, ends.get(id_, UNKNOWN))
        self.coming_back = {id_ for id_, length in lengths.items() if length.comes_back}
        self.pending = {one.id: one for one in cluster.pending} | {target.id: target}
        self.waiting = Waiting(cluster)
        self.waiting.put(target)
        self.gave_up = False

    def _ends(self, id_: int, told: Ends, *, since: int = 0) -> None:
        """Note when it ends. For want of an early end, a likely one counts; `was_helped` says if one did."""
        end = self.telling(told)
        if end is None and self.telling is _earliest and told.likely is not None:
            self.helped.add(id_)
            end = told.likely
        self.end[id_] = None if end is None else since + end

    @property
    def is_held(self) -> bool:
        """Whether the target still waits for something else than room."""
        return self.target.id in self.pending and self.pending[self.target.id].hold is not None

    def start(self) -> int | None:
        """When the target starts, or None."""
        for _ in range(MOST_CYCLES):
            plan = self._plan()
            if plan is None:
                break
            if self.target.id in plan.starts:
                return self.now
            self._apply(plan)
            if not plan.leftover and not self._let_the_next_end():
                return None
        self.gave_up = True
        return None

    def _plan(self) -> ClusterPlan | None:
        running = tuple(self.running.values())
        free = list(self.total)
        for run in running:
            subtract(free, run.need)
        over = min(free, default=0) < 0
        pending = tuple(self.waiting.who_matter(running))
        if not self.budget.take(len(running) + len(pending)):
            return None
        state = replace(
            self.cluster,
            now=self.now,
            running=running,
            pending=pending,
            blocked=Reason.CLUSTER_OVERCOMMITTED if over else None,
        )
        return decide(Snapshot.of([state])).clusters[0]

    def _apply(self, plan: ClusterPlan) -> None:
        for id_ in (*plan.seats, *plan.dropped_seats):
            self.pending[id_] = replace(self.pending[id_], seated=id_ in plan.seats)
            self.waiting.put(self.pending[id_])
        for id_ in plan.starts:
            one = self.pending.pop(id_)
            self.waiting.remove(id_)
            self.running[id_] = Running(
                id_, one.need, one.priority, self.now, organization=one.organization, user=one.user,
                expected=one.expected,
            )  # fmt: skip
            span = span_of(self.lengths.get(id_, Length()), expected=one.expected)
            self._ends(id_, span, since=self.now)
        for eviction in plan.evictions:
            victim = self.running[eviction.victim]
            self.running[victim.id] = replace(victim, stopping=True)
            grace = self.lengths.get(victim.id, Length()).grace
            self.end[victim.id] = self.now + (0 if self.telling is _earliest else grace)
            self.coming_back.add(victim.id)

    def _let_the_next_end(self) -> bool:
        """Go on to the next end; False if nobody knows of any."""
        moments = [end for end in self.end.values() if end is not None]
        if not moments:
            return False
        self.now = max(self.now, min(moments))
        completed = []
        for id_ in [id_ for id_, end in self.end.items() if end is not None and end <= self.now]:
            run = self.running.pop(id_)
            self.was_helped = self.was_helped or id_ in self.helped
            del self.end[id_]
            if id_ in self.coming_back:
                self._queue_again(run)
            elif self.lengths.get(id_, Length()).completes:
                completed.append(id_)
        self._free_who_waited_for(completed)
        return True

    def _free_who_waited_for(self, completed: list[int]) -> None:
        self.completed.update(completed)
        for one in self.dependents.freed(self.pending, by=completed, completed=self.completed):
            self.pending[one.id] = one
            self.waiting.put(one)

    def _queue_again(self, run: Running) -> None:
        queued_at = self.lengths.get(run.id, Length()).queued_at
        self.pending[run.id] = Pending(
            run.id, run.need, run.priority, run.started_at if queued_at is None else queued_at,
            organization=run.organization, user=run.user, expected=run.expected,
        )  # fmt: skip
        self.waiting.put(self.pending[run.id])
        self.coming_back.discard(run.id)
