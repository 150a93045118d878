"""Sharing a cluster, and taking a share away."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from clusters.locks import lock_clusters
from clusters.models import Cluster, ClusterShare
from clusters.services.events import record, require_present
from clusters.signals import capacity_changed
from organizations.models import Organization

removal_vetoes: list[Callable[[Cluster, int], str | None]] = []
"""Higher apps add a function that answers why an organization may not lose its share now, or None."""


class Share(NamedTuple):
    """An organization that may use a cluster, and its weight."""

    organization_id: int
    weight: int = 1


@transaction.atomic
def set_shares(*, actor: User, cluster_id: int, shares: Sequence[Share]) -> None:
    """Let these organizations use the cluster, and no others; the owner always may, with weight 1 if it is not named.

    Raises InvalidInput for an organization that is not there or named twice, Conflict for one that would lose its
    share while it has deployments here, and NotFound for a cluster that was deleted meanwhile.
    """
    cluster, old = _locked(cluster_id)
    _refuse_unknown(shares, known={cluster.organization_id, *old})
    _write(cluster, actor, old, {share.organization_id: share.weight for share in shares})


@transaction.atomic
def share_cluster(*, actor: User, cluster_id: int, organization_id: int, weight: int = 1) -> ClusterShare:
    """Let one more organization use the cluster, or give one that does another weight. Raises as `set_shares`."""
    cluster, old = _locked(cluster_id)
    _refuse_unknown([Share(organization_id, weight)], known={cluster.organization_id, *old})
    _write(cluster, actor, old, _weights(old) | {organization_id: weight})
    found: ClusterShare = ClusterShare.objects.get(cluster=cluster, organization_id=organization_id)
    return found


@transaction.atomic
def unshare_cluster(*, actor: User, cluster_id: int, organization_id: int) -> None:
    """Let an organization use the cluster no more. Raises as `set_shares`."""
    cluster, old = _locked(cluster_id)
    wanted = _weights(old)
    wanted.pop(organization_id, None)
    _write(cluster, actor, old, wanted)


def _locked(cluster_id: int) -> tuple[Cluster, dict[int, ClusterShare]]:
    (cluster,) = lock_clusters([cluster_id])
    require_present(cluster)
    return cluster, {share.organization_id: share for share in ClusterShare.objects.filter(cluster=cluster)}


def _weights(shares: Mapping[int, ClusterShare]) -> dict[int, int]:
    return {id_: share.weight for id_, share in shares.items()}


def _write(
    cluster: Cluster, actor: User, old: Mapping[int, ClusterShare], weights: Mapping[int, int]
) -> None:
    wanted = {cluster.organization_id: 1, **weights}
    before = _weights(old)
    _take_away(cluster, [share for id_, share in old.items() if id_ not in wanted])
    for id_, weight in wanted.items():
        if id_ in old and old[id_].weight != weight:
            ClusterShare.objects.filter(pk=old[id_].pk).update(weight=weight)
    ClusterShare.objects.bulk_create(
        ClusterShare(cluster=cluster, organization_id=id_, weight=weight)
        for id_, weight in sorted(wanted.items(), key=lambda one: one[0] != cluster.organization_id)
        if id_ not in old
    )
    if len(wanted) > 1 and not cluster.was_shared:
        cluster.was_shared = True
        cluster.save(update_fields=["was_shared"])
    _tell(cluster, actor, before, wanted)


def _refuse_unknown(shares: Sequence[Share], *, known: set[int]) -> None:
    ids = [share.organization_id for share in shares]
    there = known | set(
        Organization.objects.filter(pk__in=set(ids) - known, deleted_at=None).values_list("pk", flat=True)
    )
    wrong = {}
    for place, id_ in enumerate(ids):
        if id_ not in there:
            text = "There is no organization with this id. Ask its owner for the id, which /me shows."
        elif ids.index(id_) != place:
            text = f"shares[{ids.index(id_)}] is of this organization too. Name each once."
        else:
            continue
        wrong[f"shares[{place}].organization_id"] = text
    if wrong:
        raise InvalidInput(wrong)


def _take_away(cluster: Cluster, shares: Sequence[ClusterShare]) -> None:
    if not shares:
        return
    # Whoever brings a deployment here just now keeps its share: it is seen after this lock.
    rows = ClusterShare.objects.filter(pk__in=[share.pk for share in shares])
    list(rows.select_for_update(of=("self",)).order_by("pk"))
    for share in shares:
        for veto in removal_vetoes:
            if reason := veto(cluster, share.organization_id):
                raise Conflict(
                    reason, state=cluster.state, allowed=["pause", "share with others", "change weights"]
                )
    rows.delete()


def _tell(cluster: Cluster, actor: User, before: Mapping[int, int], after: Mapping[int, int]) -> None:
    old, new = ({str(id_): weights[id_] for id_ in sorted(weights)} for weights in (before, after))
    old = old or {str(cluster.organization_id): 1}
    if old != new:
        record(cluster, "shares_changed", actor, {"old": {"shares": old}, "new": {"shares": new}})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster.pk,))
