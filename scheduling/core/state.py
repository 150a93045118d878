"""What the planner sees: an immutable snapshot of one or several clusters, in whole numbers.

An `Amount` is a vector over the cluster's `resources` (today milli-GPU, milli-CPU, MiB of RAM); the core
gives the positions no meaning. Times are whole microseconds since the epoch, compared and never read from a
clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Certificate
from scheduling.core.policy import Policy
from scheduling.core.reasons import Reason


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The clusters that one cycle plans together."""

    clusters: tuple[ClusterState, ...]

    @classmethod
    def of(cls, clusters: Iterable[ClusterState]) -> "Snapshot":
        """Make a snapshot of these clusters, in this order."""
        return cls(tuple(clusters))


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
    `evictions`: told to stop. `reasons`: one for each deployment still pending, in queue order.

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
    reasons: tuple[tuple[int, Reason], ...]
    scheduled: int
    preempted: int
    unschedulable: int
    held: int
    leftover: bool
    certificate: Certificate | None = None
    """Why each eviction is needed and nobody cheaper would do; None without evictions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plans of a snapshot's clusters, in the snapshot's order."""

    clusters: tuple[ClusterPlan, ...]
