"""What the planner sees: an immutable snapshot of one or several clusters, in whole numbers.

An `Amount` is a vector over the cluster's `resources` (today milli-GPU, milli-CPU, MiB of RAM); the core
gives the positions no meaning. Times are whole microseconds since the epoch, compared and never read from a
clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Certificate
from scheduling.core.columns import Codes, Heads, PendingColumns, Rows, RunningColumns, codes
from scheduling.core.policy import Policy
from scheduling.core.reasons import REASONS, Reason


@dataclass(frozen=True, slots=True)
class Pending:
    """A deployment that waits. `hold` names what keeps it out of this cycle altogether, if anything does."""

    id: int
    need: Amount
    priority: int
    queued_at: int
    hold: Reason | None = None
    seated: bool = False
    organization: int = 0
    user: int = 0
    reason: Reason | None = None
    """The reason stored for it now; the planner ignores it, the shell writes only what differs."""
    expected: int | None = None
    """How long it is expected to run, in microseconds; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Running:
    """A deployment that holds capacity: starting, running, or (`stopping`) on its way out."""

    id: int
    need: Amount
    priority: int
    started_at: int
    stopping: bool = False
    organization: int = 0
    user: int = 0
    saved_at: int | None = None
    """Work done since then is lost with an eviction: its last checkpoint; None: since it started."""
    evictions: int = 0
    """How often the deployment has been preempted before."""
    expected: int | None = None
    """How long it is expected to run, in microseconds since its start; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One cluster: its capacity pools (today one), who holds capacity and who waits.

    `blocked` is why nothing may start here at all (paused, unreachable, overcommitted). Shapes: every Amount
    has one whole number ≥ 0 per entry of `resources`. Ids are unique over `running` and `pending` together.
    Several pools count as their sum: until a run names its pool, a need may be met from any of them.

    `now` is the moment of the snapshot. `work_resource`: the position of the resource whose use over time counts as
    work (GPUs; cores where a cluster has none). `weights`, `user_weights`: of organizations' and users' shares, 1
    where one is not named. `evictions_left`: how many more its policy allows at this moment; None: any number.
    """

    id: int
    resources: tuple[str, ...]
    pools: tuple[Amount, ...]
    running: tuple[Running, ...] = ()
    pending: tuple[Pending, ...] = ()
    blocked: Reason | None = None
    policy: Policy = field(default_factory=Policy)
    now: int = 0
    work_resource: int = 0
    weights: Mapping[int, int] = field(default_factory=dict)
    user_weights: Mapping[int, int] = field(default_factory=dict)
    evictions_left: int | None = None
    unlisted: int = 0
    """How many more wait here that cannot matter to this cycle and were not read; they are only counted."""
    unlisted_held: int = 0
    """How many of those wait for dependencies."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The clusters that one cycle plans together, as columns over all of them; all have the same `resources`.

    `faults`: rows that no column can hold, each with its cluster's id; `invariants.check` refuses them.
    """

    resources: tuple[str, ...]
    heads: Heads
    pending: PendingColumns
    running: RunningColumns
    faults: tuple[tuple[int, str], ...] = ()
    _states: dict[int, ClusterState] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, clusters: Iterable[ClusterState]) -> "Snapshot":
        """Make a snapshot of these clusters, in this order. Raises ValueError where their resources differ."""
        states = tuple(clusters)
        resources = states[0].resources if states else ()
        if any(state.resources != resources for state in states):
            raise ValueError("the clusters of a snapshot share their resources")
        width = len(resources)
        faults = tuple(
            (state.id, f"deployment {id_} needs {need}, of {width} resources")
            for state in states
            for id_, need in [(row.id, row.need) for rows in (state.pending, state.running) for row in rows]
            if len(need) != width
        )
        if faults:
            return cls.of(replace(state, pending=(), running=()) for state in states)._with(faults)
        pending = PendingColumns.of([state.pending for state in states], width)
        running = RunningColumns.of([state.running for state in states], width)
        return cls(resources, Heads.of(states, width), pending, running, _states=dict(enumerate(states)))

    def _with(self, faults: tuple[tuple[int, str], ...]) -> "Snapshot":
        return replace(self, faults=faults)

    def __len__(self) -> int:
        """How many clusters."""
        return len(self.heads.id)

    @property
    def clusters(self) -> tuple[ClusterState, ...]:
        """All clusters as rows, made when they are first asked for: for people and for few rows."""
        return tuple(map(self.cluster, range(len(self))))

    def cluster(self, index: int) -> ClusterState:
        """The rows of the cluster at this place."""
        state = self._states.get(index)
        if state is None:
            state = self._states[index] = self.part(index)
        return state

    def part(self, index: int, rows: Rows | None = None) -> ClusterState:
        """The cluster at this place with only these rows of `pending` (None: all), and all that runs there."""
        heads, offsets, held = self.heads, self.pending.offsets, self.running.offsets
        if rows is None:
            chosen: Rows | slice = slice(offsets[index], offsets[index + 1])
        else:
            chosen = rows
        return ClusterState(
            id=int(heads.id[index]),
            resources=self.resources,
            pools=(tuple(heads.total[index].tolist()),),
            running=tuple(map(Running, *self.running.fields(slice(held[index], held[index + 1])))),
            pending=tuple(map(Pending, *self.pending.fields(chosen))),
            blocked=REASONS[heads.blocked[index]],
            policy=heads.policies[heads.policy[index]],
            now=int(heads.now[index]),
            work_resource=int(heads.work_resource[index]),
            weights=heads.weights[index],
            user_weights=heads.user_weights[index],
            evictions_left=heads.evictions_left[index],
            unlisted=int(heads.unlisted[index]),
            unlisted_held=int(heads.unlisted_held[index]),
        )


@dataclass(frozen=True, slots=True)
class Eviction:
    """A run that the plan tells to stop, and for whom."""

    victim: int
    preemptor: int


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What one cycle does in one cluster. Ids are deployments'; every tuple is in order of decision.

    `starts`: book and start now, kept seats first. `seats`: room promised to those that had no seat before.
    `dropped_seats`: those that had one and end the cycle with neither a seat nor a start, in queue order.
    `evictions`: told to stop. `reasons`: one for each listed deployment still pending, in queue order.

    A seat that the shrunken cluster has no room for is dropped, and may be granted anew in the same cycle. Then
    it was kept: it is neither in `seats` nor in `dropped_seats`, and `evictions` may name it as preemptor.

    `scheduled`: starts and seats of those that had no seat before; the others were counted when it was granted.
    `preempted`: evictions. `unschedulable`: the rest still pending, kept seats among them; `held`: of those, the
    ones that wait for dependencies. So `scheduled` + `unschedulable` + starts of those that had a seat before =
    pending at the start.

    `leftover`: one still pending would start in another cycle at once: it fits what is free now, and it has a
    seat or takes nothing from those who have. So that cycle should be hinted.
    """

    cluster_id: int
    starts: tuple[int, ...]
    seats: tuple[int, ...]
    dropped_seats: tuple[int, ...]
    evictions: tuple[Eviction, ...]
    reasons: Sequence[tuple[int, Reason]]
    scheduled: int
    preempted: int
    unschedulable: int
    held: int
    leftover: bool
    certificate: Certificate | None = None
    """Why each eviction is needed and nobody cheaper would do; None without evictions."""

    @property
    def pending(self) -> int:
        """How many were pending at the cycle's start."""
        return len(self.starts) + len(self.seats) + self.unschedulable


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The plans of a snapshot's clusters, in the snapshot's order.

    `reasons`: of each row of the snapshot's `pending`, the code of the reason that it waits for; 0: it starts.
    """

    clusters: tuple[ClusterPlan, ...]
    reasons: Codes

    @classmethod
    def of(cls, snapshot: Snapshot, clusters: Iterable[ClusterPlan]) -> "Plan":
        """Make a plan from those of each cluster; a row that none of its reasons names has none."""
        plans = tuple(clusters)
        told = [dict(plan.reasons) for plan in plans]
        column = [
            told[index].get(id_)
            for index, (start, stop) in enumerate(pairwise(snapshot.pending.offsets.tolist()))
            for id_ in snapshot.pending.id[start:stop].tolist()
        ]
        return cls(plans, codes(column))

    def changed(self, snapshot: Snapshot) -> Rows:
        """The rows of the snapshot's `pending` that go on waiting, for another reason than the one stored."""
        return np.flatnonzero((self.reasons != snapshot.pending.reason) & (self.reasons != 0))
