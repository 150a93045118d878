"""Asking for a reconcile pass of a cluster. The beat asks too; this only makes it sooner."""

from django.conf import settings

from clusters.wakeups import Wakeups

# The task gives each cluster whose engine might hang a task of its own.
wakeups = Wakeups("deployments.reconcile", interval_seconds=max(5, settings.SCHEDULER_INTERVAL), chunk=25)


def want_reconciling(*cluster_ids: int) -> None:
    """After the commit, let a worker start, stop and end what this transaction decided."""
    wakeups.on_commit(cluster_ids)
