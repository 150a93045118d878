"""A workload played through `decide` in virtual time: what would have run when. Pure: same input, same replay."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from scheduling.core.decide import decide
from scheduling.core.policy import Policy
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running, Snapshot
from scheduling.simulation.workload import RESOURCES, SECOND, Job, Workload

MINUTE = 60 * SECOND
TOLD_EVERY = 32
"""Cycles between two words of progress."""


@dataclass(frozen=True, slots=True)
class Stint:
    """One attempt of a job, in microseconds: `kept` of it, from its start, is work that was not lost."""

    job: int
    began: int
    ended: int
    kept: int
    completed: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """All attempts in order of their end. `unfinished`: jobs that would wait for ever. `cycles`: plans made."""

    stints: tuple[Stint, ...]
    unfinished: int
    cycles: int


def replay(
    workload: Workload,
    policy: Policy,
    *,
    window: int = MINUTE,
    grace: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Replayed:
    """Play the workload to its end under one policy. `window`, `grace`: microseconds.

    What happens within `window` of the first event is planned together at the window's end. A victim holds its capacity
    for `grace` after it was told; without any it is gone at once, and who asked for its room starts in the same
    instant. It goes back to the queue with its first submit time, and has lost what it did since its last checkpoint.
    No cycle is planned while nothing happens. `progress` is told the share of jobs that have ended.
    """
    return _Replay(workload, policy, window, grace).run(progress)


class _Replay:
    def __init__(self, workload: Workload, policy: Policy, window: int, grace: int) -> None:
        self.jobs: tuple[Job, ...] = workload.jobs
        self.policy, self.window, self.grace = policy, window, grace
        self.blank = ClusterState(
            id=1,
            resources=RESOURCES,
            pools=(workload.total,),
            policy=policy,
            work_resource=workload.work_resource,
        )
        self.submitted = 0
        self.pending: dict[int, Pending] = {}
        self.running: dict[int, Running] = {}
        self.with_checkpoints: set[int] = set()
        self.done: dict[int, int] = {}
        """Job → work that its checkpoints have saved."""
        self.evictions: dict[int, int] = {}
        self.recent: deque[int] = deque()
        """Moments of the last minute's evictions, where the policy counts them."""
        self.ends: list[tuple[int, int, int]] = []
        """A heap of (moment, job, start of the run): a run that was evicted leaves its entry behind."""
        self.wake: int | None = None
        self.stints: list[Stint] = []
        self.completed = self.cycles = 0

    def run(self, progress: Callable[[float], None]) -> Replayed:
        while (event := self._next_event()) is not None:
            now = event + self.window
            self._advance(now)
            if self.pending:
                self._settle(now)
            if self.cycles % TOLD_EVERY == 0:
                progress(self.completed / len(self.jobs))
        progress(1.0)
        return Replayed(tuple(self.stints), len(self.pending) + len(self.running), self.cycles)

    def _next_event(self) -> int | None:
        while self.ends and self._is_stale(self.ends[0]):
            heappop(self.ends)
        moments = [self.ends[0][0]] if self.ends else []
        if self.submitted < len(self.jobs):
            moments.append(self.jobs[self.submitted].submit)
        if self.wake is not None:
            # A window is added to it like to any event.
            moments.append(self.wake - self.window)
        return min(moments, default=None)

    def _is_stale(self, entry: tuple[int, int, int]) -> bool:
        run = self.running.get(entry[1])
        return run is None or run.started_at != entry[2]

    def _advance(self, now: int) -> None:
        """Let happen what happens until `now`."""
        jobs = self.jobs
        while self.submitted < len(jobs) and jobs[self.submitted].submit <= now:
            self._queue(self.submitted)
            self.submitted += 1
        while self.ends and self.ends[0][0] <= now:
            entry = heappop(self.ends)
            if self._is_stale(entry):
                continue
            moment, id_, began = entry
            if self.running[id_].stopping:
                self._gone(id_, moment)
            else:
                del self.running[id_]
                self.with_checkpoints.discard(id_)
                self.stints.append(Stint(id_, began, moment, moment - began, True))
                self.completed += 1
        if self.wake is not None and self.wake <= now:
            self.wake = None

    def _queue(self, id_: int) -> None:
        job = self.jobs[id_]
        expected = None if job.expected is None else max(0, job.expected - self.done.get(id_, 0))
        self.pending[id_] = Pending(
            id=id_,
            need=job.need,
            priority=job.priority,
            queued_at=job.submit,
            organization=job.organization,
            user=job.user,
            expected=expected,
        )

    def _settle(self, now: int) -> None:
        """Plan until nothing is left to do in this instant."""
        while True:
            plan = self._plan(now)
            gone_at_once = self._apply(plan, now)
            acted = plan.starts or plan.seats
            if not gone_at_once and not (plan.leftover and acted):
                break
        self._set_alarm(now)

    def _plan(self, now: int) -> ClusterPlan:
        self.cycles += 1
        for id_ in self.with_checkpoints:
            run = self.running[id_]
            saved_at = run.started_at + _saved(self.jobs[id_], now - run.started_at)
            if saved_at != run.saved_at:
                self.running[id_] = replace(run, saved_at=saved_at)
        left = None
        if self.policy.evictions_per_minute is not None:
            while self.recent and self.recent[0] <= now - MINUTE:
                self.recent.popleft()
            left = max(0, self.policy.evictions_per_minute - len(self.recent))
        state = replace(
            self.blank,
            now=now,
            running=tuple(self.running.values()),
            pending=tuple(self.pending.values()),
            evictions_left=left,
        )
        return decide(Snapshot.of([state])).clusters[0]

    def _apply(self, plan: ClusterPlan, now: int) -> bool:
        """Carry the plan out; say whether victims are gone at once, so that another one follows."""
        for id_ in plan.starts:
            self._start(id_, now)
        for id_ in plan.seats:
            self.pending[id_] = replace(self.pending[id_], seated=True)
        for id_ in plan.dropped_seats:
            self.pending[id_] = replace(self.pending[id_], seated=False)
        for eviction in plan.evictions:
            id_ = eviction.victim
            if self.policy.evictions_per_minute is not None:
                self.recent.append(now)
            if self.grace:
                run = self.running[id_]
                self.running[id_] = replace(run, stopping=True)
                # Its own end no longer counts: an end that follows our signal belongs to the stop.
                self._forget_end(id_)
                heappush(self.ends, (now + self.grace, id_, run.started_at))
            else:
                self._gone(id_, now)
        return bool(plan.evictions) and not self.grace

    def _forget_end(self, id_: int) -> None:
        began = self.running[id_].started_at
        end = began + self.jobs[id_].duration - self.done.get(id_, 0)
        self.ends.remove((end, id_, began))
        # Evictions are rare beside ends, so the heap is made anew for each.
        self.ends.sort()

    def _start(self, id_: int, now: int) -> None:
        one, job = self.pending.pop(id_), self.jobs[id_]
        self.running[id_] = Running(
            id=id_,
            need=job.need,
            priority=job.priority,
            started_at=now,
            organization=job.organization,
            user=job.user,
            evictions=self.evictions.get(id_, 0),
            expected=one.expected,
        )
        if job.checkpoint:
            self.with_checkpoints.add(id_)
        heappush(self.ends, (now + job.duration - self.done.get(id_, 0), id_, now))

    def _gone(self, id_: int, moment: int) -> None:
        run = self.running.pop(id_)
        self.with_checkpoints.discard(id_)
        remaining = self.jobs[id_].duration - self.done.get(id_, 0)
        kept = min(_saved(self.jobs[id_], moment - run.started_at), remaining)
        if kept:
            self.done[id_] = self.done.get(id_, 0) + kept
        self.evictions[id_] = self.evictions.get(id_, 0) + 1
        self.stints.append(Stint(id_, run.started_at, moment, kept, False))
        self._queue(id_)

    def _set_alarm(self, now: int) -> None:
        """Two settings let time alone change a plan: look again when the first of their limits ends."""
        policy, self.wake = self.policy, None
        if not policy.minimum_run_seconds and policy.evictions_per_minute is None:
            return
        if not any(one.priority in policy.may_preempt and not one.seated for one in self.pending.values()):
            return
        ends = []
        if self.recent:
            ends.append(self.recent[0] + MINUTE)
        minimum = policy.minimum_run_seconds * SECOND
        ends += [run.started_at + minimum for run in self.running.values()] if minimum else []
        self.wake = min((end for end in ends if end > now), default=None)


def _saved(job: Job, ran: int) -> int:
    """Of so many microseconds of running, those up to its last checkpoint."""
    return ran - ran % job.checkpoint if job.checkpoint else 0
