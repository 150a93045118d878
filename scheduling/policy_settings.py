"""The settings of a cluster's policy, each told once: column, wire, console and explanation follow this table."""

from typing import Any

from scheduling.core.policy import Policy
from scheduling.policy_kinds import TEN_YEARS, MayPreempt, Number, Order, Setting, Switch, UserWeights

PRESET_TOLD = (
    "Where all settings start from: two_phase, the classic rule; least_waste, which preempts what loses least work; "
    "or balanced, which also shares fairly. Null: the installation's default (SCHEDULER_POLICY)."
)
SETTINGS: tuple[Setting, ...] = (
    MayPreempt(
        "may_preempt", "Which priority may preempt which; only strictly lower ones. {}: nobody is ever preempted."
    ),
    Order(
        "victim_order",
        "Who is told to stop first: oldest, the longest running; youngest; or "
        "least_lost_work, the set that loses the least work since its checkpoints, chosen for all preemptors together.",
    ),
    Switch(
        "lower_priority_first",
        "A MEDIUM is told to stop only where all LOW together would not make room. Off counts for least_lost_work "
        "alone: the least lost work among all that may be preempted.",
    ),
    Number("minimum_run_seconds", "A run is not preempted before it has run so many seconds. 0: at any time."),
    Number(
        "most_evictions",
        "A deployment that was preempted so many times is not preempted any more. 0: nobody is.",
        most=1_000_000,
    ),
    Number(
        "evictions_per_minute",
        "So many runs of the whole cluster may be told to stop within 60 seconds. 0: none.",
        most=1_000_000,
    ),
    Number(
        "ageing_seconds",
        "Each so many seconds of waiting move a deployment up by one priority in the queue, up to the last one that "
        f"may not preempt. To have none, write {TEN_YEARS}.",
        least=1,
    ),
    Switch(
        "organization_shares",
        "Within a priority, the organization that uses the least for its weight goes first. Weights: "
        "/clusters/{id}/shares.",
    ),
    Switch(
        "user_shares",
        "Within an organization, the user who uses the least for their weight goes first. Weights: user_weights.",
    ),
    Number(
        "share_band_percent",
        "Shares within the same band, so many percent of the cluster wide, count as equal. 0: the exact share counts.",
        most=100,
    ),
    Switch(
        "shortest_first",
        "Of equal standing, what is expected to end soonest goes first (expected_seconds, else how long the last ones "
        "with the same image ran); what is not known goes last.",
    ),
    Number(
        "reservation_after_seconds",
        "Room is kept for the deployment that has waited longest, once it has waited more than so many seconds. "
        f"To have none, write {TEN_YEARS}.",
    ),
)  # fmt: skip
"""One line for each field of `Policy` but its name; a test holds them together."""
USER_WEIGHTS = UserWeights(
    "user_weights",
    "Weights of users' shares where user_shares is on: one of weight 2 is due twice as much as one of weight 1. Ids of "
    "members of the cluster's organization, with whole numbers from 1 to 1000.",
)
COLUMNS: tuple[Setting, ...] = (*SETTINGS, USER_WEIGHTS)
"""All that a cluster may override."""


def as_shown(policy: Policy) -> dict[str, Any]:
    """A policy's settings as the wire shows them."""
    return {setting.name: setting.shown(getattr(policy, setting.name)) for setting in SETTINGS}
