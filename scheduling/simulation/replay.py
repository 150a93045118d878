"""A workload played through `decide` in virtual time: what would have run when. Pure: same input, same replay."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from scheduling.core.decide import decide
from scheduling.core.policy import Policy
from scheduling.core.state import ClusterPlan
from scheduling.simulation.board import Board
from scheduling.simulation.workload import SECOND, Workload

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
        self.jobs = workload.jobs
        self.policy, self.window, self.grace = policy, window, grace
        self.board = Board(workload, policy)
        self.submitted = 0
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
            if self.board.waiting.any():
                self._settle(now)
            if self.cycles % TOLD_EVERY == 0:
                progress(self.completed / len(self.jobs))
        progress(1.0)
        return Replayed(tuple(self.stints), len(self.jobs) - self.completed, self.cycles)

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
        _, id_, began = entry
        return not self.board.running[id_] or bool(self.board.started_at[id_] != began)

    def _advance(self, now: int) -> None:
        """Let happen what happens until `now`."""
        board = self.board
        while self.submitted < len(self.jobs) and self.jobs[self.submitted].submit <= now:
            board.waiting[self.submitted] = True
            self.submitted += 1
        while self.ends and self.ends[0][0] <= now:
            entry = heappop(self.ends)
            if self._is_stale(entry):
                continue
            moment, id_, began = entry
            if board.stopping[id_]:
                self._gone(id_, moment)
            else:
                board.complete(id_)
                self.stints.append(Stint(id_, began, moment, moment - began, True))
                self.completed += 1
        if self.wake is not None and self.wake <= now:
            self.wake = None

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
        left = None
        if self.policy.evictions_per_minute is not None:
            while self.recent and self.recent[0] <= now - MINUTE:
                self.recent.popleft()
            left = max(0, self.policy.evictions_per_minute - len(self.recent))
        return decide(self.board.snapshot(now, left)).clusters[0]

    def _apply(self, plan: ClusterPlan, now: int) -> bool:
        """Carry the plan out; say whether victims are gone at once, so that another one follows."""
        board = self.board
        for id_ in plan.starts:
            heappush(self.ends, (board.start(id_, now), id_, now))
        board.seated[list(plan.seats)] = True
        board.seated[list(plan.dropped_seats)] = False
        for eviction in plan.evictions:
            id_ = eviction.victim
            if self.policy.evictions_per_minute is not None:
                self.recent.append(now)
            if self.grace:
                self._tell_to_stop(id_, now)
            else:
                self._gone(id_, now)
        return bool(plan.evictions) and not self.grace

    def _tell_to_stop(self, id_: int, now: int) -> None:
        began = int(self.board.started_at[id_])
        self.board.stopping[id_] = True
        # Its own end no longer counts: an end that follows our signal belongs to the stop.
        self.ends.remove((self.board.end(id_), id_, began))
        heapify(self.ends)
        heappush(self.ends, (now + self.grace, id_, began))

    def _gone(self, id_: int, moment: int) -> None:
        began = int(self.board.started_at[id_])
        kept = self.board.evict(id_, moment)
        self.stints.append(Stint(id_, began, moment, kept, False))

    def _set_alarm(self, now: int) -> None:
        """Two settings let time alone change a plan: look again when the first of their limits ends."""
        policy, board, self.wake = self.policy, self.board, None
        if not policy.minimum_run_seconds and policy.evictions_per_minute is None:
            return
        if not np.isin(board.priority[board.unseated()], list(policy.may_preempt)).any():
            return
        ends = [self.recent[0] + MINUTE] if self.recent else []
        if policy.minimum_run_seconds:
            ends += (board.started_at[board.running] + policy.minimum_run_seconds * SECOND).tolist()
        self.wake = min((end for end in ends if end > now), default=None)
