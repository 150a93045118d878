"""A fact that flows up: perhaps the scheduler can do something now. Only a hint; the beat is the truth."""

from django.dispatch import Signal

scheduling_wanted = Signal()
"""Sent inside a transaction with `cluster_ids`, a set of ids."""


def want_scheduling(*cluster_ids: int) -> None:
    """Hint that these clusters may have something to do."""
    if cluster_ids:
        scheduling_wanted.send(sender=None, cluster_ids=set(cluster_ids))
