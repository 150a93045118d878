"""All jobs of a replay as columns, and who of them waits and runs: a snapshot is a selection, not a thousand rows."""

from dataclasses import replace

import numpy as np

from scheduling.core.columns import (
    UNKNOWN,
    Flags,
    Heads,
    Ints,
    PendingColumns,
    Rows,
    RunningColumns,
    ints,
    known,
)
from scheduling.core.policy import Policy
from scheduling.core.state import ClusterState, Snapshot
from scheduling.simulation.workload import RESOURCES, Workload


class Board:
    """Row i is job i of the workload. Times in microseconds; `done` is the work that its checkpoints have saved."""

    def __init__(self, workload: Workload, policy: Policy) -> None:
        jobs, count = workload.jobs, len(workload.jobs)
        self.need: Ints = np.array([job.need for job in jobs], dtype=np.int64).reshape(count, -1).T.copy()
        self.priority = ints(job.priority for job in jobs)
        self.submit = ints(job.submit for job in jobs)
        self.duration = ints(job.duration for job in jobs)
        self.organization = ints(job.organization for job in jobs)
        self.user = ints(job.user for job in jobs)
        self.expected = known(job.expected for job in jobs)
        self.checkpoint = ints(job.checkpoint or 0 for job in jobs)
        self.waiting, self.seated, self.running, self.stopping = (np.zeros(count, np.bool_) for _ in range(4))
        self.started_at, self.done, self.evictions = (np.zeros(count, np.int64) for _ in range(3))
        self._remaining = self.expected.copy()
        self._nothing = np.zeros(count, np.int8)
        cluster = ClusterState(
            id=1,
            resources=RESOURCES,
            pools=(workload.total,),
            policy=policy,
            work_resource=workload.work_resource,
            weights=workload.weights,
            user_weights=workload.user_weights,
        )
        self._heads = Heads.of([cluster], len(RESOURCES))

    def snapshot(self, now: int, evictions_left: int | None) -> Snapshot:
        """What the planner may know at this moment."""
        waiting, running = np.flatnonzero(self.waiting), np.flatnonzero(self.running)
        heads = replace(self._heads, now=ints([now]), evictions_left=(evictions_left,))
        return Snapshot(RESOURCES, heads, self._pending(waiting), self._running(running, now))

    def _pending(self, rows: Rows) -> PendingColumns:
        nothing = self._nothing[: len(rows)]
        return PendingColumns(
            offsets=ints([0, len(rows)]),
            id=rows.astype(np.int64),
            need=self.need[:, rows].T,
            priority=self.priority[rows],
            queued_at=self.submit[rows],
            hold=nothing,
            seated=self.seated[rows],
            organization=self.organization[rows],
            user=self.user[rows],
            reason=nothing,
            expected=self._remaining[rows],
        )

    def _running(self, rows: Rows, now: int) -> RunningColumns:
        started, every = self.started_at[rows], self.checkpoint[rows]
        ran = now - started
        saved = np.where(every > 0, now - ran % np.maximum(every, 1), UNKNOWN)
        return RunningColumns(
            offsets=ints([0, len(rows)]),
            id=rows.astype(np.int64),
            need=self.need[:, rows].T,
            priority=self.priority[rows],
            started_at=started,
            stopping=self.stopping[rows],
            organization=self.organization[rows],
            user=self.user[rows],
            saved_at=saved,
            evictions=self.evictions[rows],
            expected=self._remaining[rows],
        )

    def start(self, id_: int, now: int) -> int:
        """It runs; say when it will have ended by itself."""
        self.waiting[id_] = self.seated[id_] = False
        self.running[id_] = True
        self.started_at[id_] = now
        return self.end(id_)

    def end(self, id_: int) -> int:
        """When it ends by itself."""
        return int(self.started_at[id_] + self.duration[id_] - self.done[id_])

    def complete(self, id_: int) -> None:
        self.running[id_] = False

    def evict(self, id_: int, moment: int) -> int:
        """It is gone, and waits anew; say how much of what it did since its start is saved."""
        ran, every = moment - int(self.started_at[id_]), int(self.checkpoint[id_])
        left = int(self.duration[id_] - self.done[id_])
        kept = min(ran - ran % every, left) if every else 0
        self.done[id_] += kept
        if self.expected[id_] != UNKNOWN:
            self._remaining[id_] = max(0, int(self.expected[id_] - self.done[id_]))
        self.evictions[id_] += 1
        self.running[id_] = self.stopping[id_] = False
        self.waiting[id_] = True
        return kept

    def unseated(self) -> Flags:
        """Who waits without a seat."""
        return self.waiting & ~self.seated
