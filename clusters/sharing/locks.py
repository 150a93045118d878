"""Locks of shares: after the cluster's. Who brings work to a cluster keeps the share that lets them."""

from collections.abc import Iterable

from django.db import connection

from clusters.models import Cluster

KEEP = """
SELECT share.cluster_id FROM clusters_clustershare AS share
JOIN organizations_organization AS organization ON organization.id = share.organization_id
WHERE share.cluster_id = ANY(%s) AND share.organization_id = %s AND organization.deleted_at IS NULL
ORDER BY share.id
FOR KEY SHARE
"""


def keeps_use(cluster: Cluster, *, organization_id: int) -> bool:
    """Whether the organization may use the cluster; nobody takes that away, or deletes it, before the
    transaction ends.
    """
    return cluster.pk in keep_uses([cluster], organization_id=organization_id)


def keep_uses(clusters: Iterable[Cluster], *, organization_id: int) -> set[int]:
    """As `keeps_use`, the ids of those that it may use; at most one statement, none for the owner."""
    ids = {cluster.pk: cluster.organization_id == organization_id for cluster in clusters}
    own = {id_ for id_, is_own in ids.items() if is_own}
    others = sorted(ids.keys() - own)
    if not others:
        return own
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [others, organization_id])
        return own | {cluster_id for (cluster_id,) in cursor.fetchall()}
