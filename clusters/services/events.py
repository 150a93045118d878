"""The story of a cluster: the one place that writes its events."""

from typing import Any

from accounts import audit
from accounts.errors import NotFound
from accounts.models import User
from clusters.amounts import wire_data
from clusters.announcing import Announcement, announce
from clusters.models import Cluster, ClusterEvent
from clusters.selectors import UNSEEN

KINDS = frozenset(
    {
        "created", "renamed", "capacity_changed", "paused", "resumed", "grace_changed", "connection_changed", "deleted",
        "unreachable", "reachable", "declared_lost", "recovered", "shares_changed", "policy_changed",
    }
)  # fmt: skip
"""All that there are; whoever wants to be told chooses among them."""


def record(cluster: Cluster, kind: str, actor: User | None, data: dict[str, Any]) -> None:
    """An event, and a line of the audit log if a person did it. `data` holds no secrets."""
    actor_id = actor.pk if actor else None
    told = ClusterEvent.objects.create(
        cluster=cluster, organization_id=cluster.organization_id, kind=kind, actor_id=actor_id, data=data
    )
    source = "user" if actor else "runtime"
    row = (None, cluster.pk, cluster.organization_id)
    announce([Announcement("cluster", kind, source, told.at, None, wire_data(data), [row])])
    if actor:
        audit.record(
            actor_id=actor_id,
            action=f"cluster.{kind}",
            target=f"cluster:{cluster.pk}",
            organization_id=cluster.organization_id,
            detail=data,
        )


def require_present(cluster: Cluster) -> None:
    """Raise NotFound for a deleted one. Asked under the lock: it may have gone since the caller looked."""
    if cluster.deleted_at:
        raise NotFound(UNSEEN)
