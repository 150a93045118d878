"""Whether a cluster's engine answers, and what became of one that was given up."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clusters.locks import lock_clusters
from clusters.models import Cluster
from clusters.services.events import record
from clusters.signals import capacity_changed

LOST_CONTACT = ["missed_observations", "unreachable_since"]


@transaction.atomic
def note_unreachable(*, cluster_id: int, misses_allowed: int, problem: str) -> None:
    """Count one observation that the engine did not answer; after `misses_allowed` the cluster is unreachable."""
    (cluster,) = lock_clusters([cluster_id])
    cluster.missed_observations += 1
    if cluster.missed_observations >= misses_allowed and cluster.unreachable_since is None:
        cluster.unreachable_since = timezone.now()
        record(cluster, "unreachable", None, {"problem": problem[:500]})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
    cluster.save(update_fields=LOST_CONTACT)


@transaction.atomic
def note_reachable(*, cluster_id: int) -> None:
    """The engine answered again."""
    (cluster,) = lock_clusters([cluster_id])
    if cluster.unreachable_since is not None:
        record(cluster, "reachable", None, {})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
    cluster.missed_observations, cluster.unreachable_since = 0, None
    cluster.save(update_fields=LOST_CONTACT)


def note_declared_lost(*, actor: User, cluster: Cluster, runs: int) -> None:
    """An operator gave up what runs there, so many runs. The caller holds the cluster's lock, and ends them."""
    cluster.declared_lost_at = timezone.now()
    cluster.save(update_fields=["declared_lost_at"])
    record(cluster, "declared_lost", actor, {"runs": runs})


@transaction.atomic
def note_recovered(*, cluster_id: int) -> None:
    """The engine of a cluster that was declared lost answers again, and holds nothing of ours: it may be used."""
    (cluster,) = lock_clusters([cluster_id])
    if cluster.declared_lost_at is None:
        return
    cluster.declared_lost_at, cluster.missed_observations, cluster.unreachable_since = None, 0, None
    cluster.save(update_fields=["declared_lost_at", *LOST_CONTACT])
    record(cluster, "recovered", None, {})
    capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
