"""Since when the work of runs is not saved: what an eviction would lose."""

from collections.abc import Collection

import numpy as np

from accounts.reading import SINCE_2000, read_columns
from scheduling.core.columns import UNKNOWN, Ints

SECOND = 1_000_000
REPORTED = """
SELECT deployment_id, checkpointed_at FROM deployments_run
WHERE cluster_id = ANY(%(clusters)s) AND outcome IS NULL AND checkpointed_at IS NOT NULL
"""


def reported(cluster_ids: Collection[int], deployment_ids: Ints) -> Ints:
    """When the live run of each of these deployments last reported a checkpoint, in microseconds, or UNKNOWN."""
    found = np.full(len(deployment_ids), UNKNOWN, dtype=np.int64)
    if not len(deployment_ids):
        return found
    ids, at = read_columns(REPORTED, {"clusters": list(cluster_ids)}, 2)
    order = np.argsort(deployment_ids)
    place = np.searchsorted(deployment_ids, ids, sorter=order).clip(max=len(order) - 1)
    rows = order[place]
    known = deployment_ids[rows] == ids
    found[rows[known]] = at[known] + SINCE_2000
    return found


def saved_at(*, started: Ints, reported: Ints, interval_seconds: Ints, now: int) -> Ints:
    """The latest of each run's start, its last report, and the last whole interval since its start; microseconds.

    UNKNOWN in `reported` and `interval_seconds`: there is none.
    """
    ran = np.maximum(now - started, 0)
    # No run lasts as long as the longest interval that there is room for.
    interval = np.minimum(interval_seconds, np.iinfo(np.int64).max // SECOND) * SECOND
    whole = np.where(interval > 0, ran // np.maximum(interval, 1) * interval, 0)
    return np.maximum(reported, started + whole)
