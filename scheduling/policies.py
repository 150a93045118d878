"""Which policy each cluster follows: its preset, what overrides it, and what the planner needs beside it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count

from clusters.sharing.selectors import weights_by_cluster
from deployments.models import Run
from scheduling.core.policy import PRESETS, Policy
from scheduling.models import ClusterPolicy
from scheduling.policy_settings import COLUMNS, SETTINGS, USER_WEIGHTS, as_shown

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Followed:
    """What one cluster follows. `evictions_left`: how many more its policy allows just now; None: any number."""

    policy: Policy
    weights: Mapping[int, int] = field(default_factory=dict)
    user_weights: Mapping[int, int] = field(default_factory=dict)
    evictions_left: int | None = None

    @property
    def wants_durations(self) -> bool:
        """Whether the planner looks at how long deployments will run."""
        return self.policy.shortest_first or self.policy.reservation_after_seconds is not None


def followed_by(cluster_ids: Collection[int], now: datetime) -> dict[int, Followed]:
    """What each of these clusters follows at this moment: one query, and one more each where a policy counts evictions
    and where one shares between organizations.
    """
    rows = {row.cluster_id: row for row in ClusterPolicy.objects.filter(cluster_id__in=cluster_ids)}
    policies = {id_: effective(rows.get(id_)) for id_ in cluster_ids}
    sharing = [id_ for id_, policy in policies.items() if policy.organization_shares]
    weights = weights_by_cluster(sharing) if sharing else {}
    found = {
        id_: Followed(policy, weights.get(id_, {}), weights_of(rows.get(id_)))
        for id_, policy in policies.items()
    }
    limits = {
        id_: one.policy.evictions_per_minute
        for id_, one in found.items()
        if one.policy.evictions_per_minute is not None
    }
    told = evictions_since(now - MINUTE, limits) if limits else {}
    for id_, limit in limits.items():
        found[id_] = replace(found[id_], evictions_left=max(0, (limit or 0) - told.get(id_, 0)))
    return found


def effective(row: ClusterPolicy | None) -> Policy:
    """The settings that hold. A preset with any setting of another value is called like it with a star: `balanced*`."""
    preset = PRESETS[(row.preset if row else None) or settings.SCHEDULER_POLICY]
    if row is None:
        return preset
    overrides = {
        setting.name: setting.inside(stored)
        for setting in SETTINGS
        if (stored := getattr(row, setting.name)) is not None
    }
    policy = replace(preset, **overrides)
    return policy if policy == preset and not weights_of(row) else replace(policy, name=f"{preset.name}*")


def weights_of(row: ClusterPolicy | None) -> Mapping[int, int]:
    """User id → weight; whoever is not there has 1."""
    stored = row and getattr(row, USER_WEIGHTS.name)
    return USER_WEIGHTS.inside(stored) if stored else {}


def evictions_since(since: datetime, cluster_ids: Collection[int]) -> dict[int, int]:
    """Cluster → how many runs were told to stop for a preemption since then; those without any are left out.

    Counted by `preempted_by`, which a later stop by the user leaves in place.
    """
    rows: Any = (
        Run.objects.filter(
            cluster_id__in=cluster_ids, preempted_by__isnull=False, stop_requested_at__gt=since
        )
        .order_by()
        .values_list("cluster_id")
        .annotate(Count("id"))
    )
    return dict(rows)


def policy_shown(*, cluster_id: int, is_owners: bool) -> dict[str, Any]:
    """A cluster's policy as the wire shows it; the users whom it weighs only to members of its organization."""
    row = ClusterPolicy.objects.filter(cluster_id=cluster_id).first()
    policy, weights = effective(row), weights_of(row)
    overrides = {setting.name: getattr(row, setting.name) if row else None for setting in COLUMNS}
    shown_weights = {str(user): weight for user, weight in sorted(weights.items())}
    if not is_owners:
        overrides[USER_WEIGHTS.name], shown_weights = None, {}
    return {
        "cluster_id": cluster_id,
        "name": policy.name,
        "preset": row.preset if row else None,
        **overrides,
        "effective": as_shown(policy) | {USER_WEIGHTS.name: shown_weights},
    }
