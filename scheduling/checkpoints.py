"""Since when the work of runs is not saved: what an eviction would lose."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from deployments.models import Run


def reported(cluster_ids: Collection[int]) -> dict[int, datetime]:
    """Deployment → the last checkpoint of its live run that was reported; those without any are left out."""
    rows: Any = (
        Run.objects.filter(cluster_id__in=cluster_ids, outcome=None, checkpointed_at__isnull=False)
        .order_by()
        .values_list("deployment_id", "checkpointed_at")
    )
    return dict(rows)


def saved_at(*, started: int, reported: int | None, interval_seconds: int | None, now: int) -> int:
    """The latest of a run's start, its last report, and the last whole interval since its start; microseconds."""
    known = started if reported is None else max(started, reported)
    if interval_seconds is None or now <= started:
        return known
    interval = interval_seconds * 1_000_000
    return max(known, started + (now - started) // interval * interval)
