"""Reading what the scheduler has to look at."""

from collections.abc import Iterator

from deployments.models import Deployment
from deployments.states import Status

BATCH = 50
"""Clusters planned together in one short transaction."""


def batches_with_waiting() -> Iterator[list[int]]:
    """The ids of the clusters where anybody waits, in order, at most BATCH at a time."""
    ids = list(
        Deployment.objects.filter(status=Status.PENDING)
        .order_by("cluster_id")
        .values_list("cluster_id", flat=True)
        .distinct()
    )
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
