"""What a cluster's scheduling follows: plain settings, and the presets that they start from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class VictimOrder(StrEnum):
    """Who goes first among possible victims."""

    OLDEST = "oldest"
    """Longest running first: the classic rule."""
    YOUNGEST = "youngest"
    LEAST_LOST_WORK = "least_lost_work"
    """The set that loses the least work in all, chosen for all preemptors of a cycle together."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that one cluster is planned by. Durations in seconds; None switches a limit off."""

    name: str = "two_phase"
    may_preempt: Mapping[int, frozenset[int]] = field(default_factory=lambda: {3: frozenset({1, 2})})
    """Priority of the preemptor → priorities of its possible victims; only strictly lower ones count."""
    victim_order: VictimOrder = VictimOrder.OLDEST
    lower_priority_first: bool = True
    """A higher priority goes only where all lower ones would not make room. False counts for `least_lost_work` alone:
    the least lost work among all who may go, whatever their priority."""
    minimum_run_seconds: int = 0
    """A run is no victim before it has run so long."""
    most_evictions: int | None = None
    """A deployment that was preempted so often is no victim any more."""
    evictions_per_minute: int | None = None
    """Of the whole cluster."""
    ageing_seconds: int | None = None
    """Each so many seconds of waiting move one up by a priority in the queue, up to the last that may not preempt."""
    organization_shares: bool = False
    """Within a priority, the organization with the smallest dominant share, by weight, goes first."""
    user_shares: bool = False
    """Within an organization, its user with the smallest dominant share goes first."""
    share_band_percent: int = 0
    """Shares within the same band, so many percent of the cluster wide, stand equal; 0: the exact share counts."""
    shortest_first: bool = False
    """Inside equal standing, whoever is expected to end soonest goes first; unknown ones last."""
    reservation_after_seconds: int | None = None
    """The one that has waited longest, and longer than this, has room kept for it."""

    def preemptible_by(self, priority: int) -> list[int]:
        """List the strictly lower priorities that `priority` may preempt, lowest first."""
        return sorted(lower for lower in self.may_preempt.get(priority, ()) if lower < priority)

    @property
    def preemptors(self) -> set[int]:
        """The priorities that may preempt anybody."""
        return {priority for priority in self.may_preempt if self.preemptible_by(priority)}

    @property
    def victims(self) -> set[int]:
        """The priorities that somebody may preempt."""
        return {lower for priority in self.may_preempt for lower in self.preemptible_by(priority)}

    @property
    def is_first_come(self) -> bool:
        """Whether nothing but priority, queued_at and id ranks a queue."""
        ranked = self.organization_shares or self.user_shares or self.shortest_first
        return not ranked and self.ageing_seconds is None


TWO_PHASE = Policy()
LEAST_WASTE = Policy(name="least_waste", victim_order=VictimOrder.LEAST_LOST_WORK)
BALANCED = Policy(
    name="balanced",
    victim_order=VictimOrder.LEAST_LOST_WORK,
    lower_priority_first=False,
    ageing_seconds=3600,
    organization_shares=True,
    user_shares=True,
    share_band_percent=25,
    shortest_first=True,
    reservation_after_seconds=380 * 3600,
)
PRESETS: Mapping[str, Policy] = {policy.name: policy for policy in (TWO_PHASE, LEAST_WASTE, BALANCED)}
