"""Asking for a reconcile pass of a cluster. The beat asks too; this only makes it sooner."""

from django.conf import settings

from clusters.wakeups import Wakeups

# One cluster a task: an engine that hangs must not hold up another cluster.
wakeups = Wakeups("deployments.reconcile", interval_seconds=max(5, settings.SCHEDULER_INTERVAL), chunk=1)


def want_reconciling(*cluster_ids: int) -> None:
    """After the commit, let a worker start, stop and end what this transaction decided."""
    wakeups.on_commit(cluster_ids)
