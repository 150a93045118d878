"""Locks of cluster rows: whoever makes capacity scarcer holds them, taken in id order, so nobody waits in a circle."""

from collections.abc import Iterable

from clusters.models import Cluster


def lock_clusters(cluster_ids: Iterable[int], *, skip_locked: bool = False) -> list[Cluster]:
    """The rows, locked until the transaction ends; with `skip_locked` without those that somebody else holds.

    NO KEY UPDATE: a plain FOR UPDATE would block every insert of a row that points to the cluster.
    """
    return list(
        Cluster.objects.filter(pk__in=list(cluster_ids))
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)
    )
