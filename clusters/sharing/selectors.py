"""Reading who may use clusters."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from accounts.errors import InvalidInput
from accounts.models import User
from clusters.models import Cluster, ClusterShare
from organizations.models import Membership
from organizations.permissions import Action, allows

NOT_USED = (
    "This organization does not use the cluster, or you are not a member of it. Leave this out, or name one of yours "
    "that the cluster is shared with."
)


@dataclass(frozen=True, slots=True)
class Use:
    """A cluster that somebody sees. `roles`: their organizations that may use it → what they are there."""

    cluster: Cluster
    roles: Mapping[int, str]

    def submitter(self, asked: int | None) -> int:
        """Whose a deployment of theirs is: the organization asked for, else the cluster's own, else their only one.

        Raises InvalidInput where it is none of theirs, and where it is not clear which.
        """
        if asked is not None:
            if asked not in self.roles:
                raise InvalidInput({"organization_id": NOT_USED})
            return asked
        if self.cluster.organization_id in self.roles:
            return self.cluster.organization_id
        if len(self.roles) != 1:
            names = " or ".join(map(str, sorted(self.roles)))
            text = f"The cluster is shared with several of your organizations. Name the one that it is for: {names}."
            raise InvalidInput({"organization_id": text})
        return next(iter(self.roles))


def uses(*, user: User, cluster_ids: Iterable[int]) -> dict[int, Use]:
    """Cluster → how the user may use it, of those that they can see; in two queries."""
    clusters = list(Cluster.objects.visible_to(user).filter(pk__in=list(cluster_ids)))
    roles: dict[int, dict[int, str]] = defaultdict(dict)
    for cluster in clusters:
        if cluster.my_role:
            roles[cluster.pk][cluster.organization_id] = cluster.my_role
    given: Any = (
        Membership.objects.filter(
            user_id=user.pk,
            organization__deleted_at=None,
            organization__cluster_shares__cluster__in=[cluster.pk for cluster in clusters],
        )
        .annotate(cluster=F("organization__cluster_shares__cluster_id"))
        .values_list("cluster", "organization_id", "role")
    )
    for cluster_id, organization_id, role in given:
        roles[cluster_id][organization_id] = role
    return {cluster.pk: Use(cluster, roles[cluster.pk]) for cluster in clusters}


def shares_shown(*, user: User, cluster: Cluster) -> dict[str, Any]:
    """Who may use the cluster, as the wire shows it: all to the owner's members, to a guest only their own."""
    weights = weights_by_cluster([cluster.pk]).get(cluster.pk, {})
    if allows(cluster.my_role, Action.READ):
        weights = {cluster.organization_id: 1} | weights
    else:
        mine = set(user.memberships.values_list("organization_id", flat=True))
        weights = {id_: weight for id_, weight in weights.items() if id_ in mine}
    return {
        "cluster_id": cluster.pk,
        "shares": [{"organization_id": id_, "weight": weight} for id_, weight in weights.items()],
    }


def weights_by_cluster(cluster_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Cluster → organization → its weight, those that are not deleted; an owner without a row has 1."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows: Any = (
        ClusterShare.objects.filter(cluster_id__in=cluster_ids, organization__deleted_at=None)
        .order_by("id")
        .values_list("cluster_id", "organization_id", "weight")
    )
    for cluster_id, organization_id, weight in rows:
        found[cluster_id][organization_id] = weight
    return found
