"""Changing what a cluster follows."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.errors import InvalidInput
from accounts.models import User
from clusters.locks import lock_clusters
from clusters.models import Cluster
from clusters.services.events import record, require_present
from clusters.signals import capacity_changed
from organizations.models import Membership
from scheduling.models import ClusterPolicy
from scheduling.policy_settings import COLUMNS, USER_WEIGHTS


@transaction.atomic
def set_policy(*, actor: User, cluster_id: int, changes: Mapping[str, Any]) -> ClusterPolicy:
    """Change what `changes` names: `preset`, or a setting; None takes an override back. It holds from the next cycle.

    Raises InvalidInput for a value that no policy can have, and NotFound for a cluster that was deleted meanwhile.
    """
    (cluster,) = lock_clusters([cluster_id])
    require_present(cluster)
    row = ClusterPolicy.objects.filter(cluster=cluster).first() or ClusterPolicy(cluster=cluster)
    wanted = {
        setting.name: setting.clean(changes[setting.name]) for setting in COLUMNS if setting.name in changes
    }
    if "preset" in changes:
        wanted["preset"] = changes["preset"] or None
    new = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not new:
        return row
    if USER_WEIGHTS.name in new:
        _refuse_strangers(cluster, old=getattr(row, USER_WEIGHTS.name), new=new[USER_WEIGHTS.name])
    old = {name: getattr(row, name) for name in new}
    for name, value in new.items():
        setattr(row, name, value)
    row.save()
    record(cluster, "policy_changed", actor, {"old": old, "new": new})
    capacity_changed.send(sender=Cluster, cluster_ids=(cluster.pk,))
    return row


def _refuse_strangers(
    cluster: Cluster, *, old: Mapping[str, int] | None, new: Mapping[str, int] | None
) -> None:
    # Only those that are new: whoever left since then may stay in what is sent back.
    added = {int(user) for user in (new or {}).keys() - (old or {}).keys()}
    members = Membership.objects.filter(organization_id=cluster.organization_id, user_id__in=added)
    if strangers := added - set(members.values_list("user_id", flat=True)):
        names = ", ".join(map(str, sorted(strangers)[:10]))
        raise InvalidInput(
            {
                USER_WEIGHTS.name: f"The cluster's organization has no member with the id {names}. See the list of its "
                "members."
            }
        )
