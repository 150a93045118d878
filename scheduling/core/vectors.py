"""Arithmetic over all clusters at once: sums a cluster, and needs against room, resource by resource."""

import numpy as np

from scheduling.core.columns import Flags, Ints, Rows


def owners(offsets: Ints) -> Rows:
    """Which cluster each row belongs to."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def sums(need: Ints, offsets: Ints) -> Ints:
    """What the rows of each cluster need together: a row a cluster."""
    total = np.zeros((len(offsets) - 1, need.shape[1]), dtype=np.int64, order="F")
    before = np.zeros(len(need) + 1, dtype=np.int64)
    for resource in range(need.shape[1]):
        np.cumsum(need[:, resource], out=before[1:])
        total[:, resource] = np.diff(before[offsets])
    return total


def sums_of(need: Ints, rows: Rows, owner: Rows, clusters: int) -> Ints:
    """What only these rows need together, in each of so many clusters. `owner`: the cluster of each row."""
    total = np.zeros((clusters, need.shape[1]), dtype=np.int64, order="F")
    of = owner[rows]
    for resource in range(need.shape[1]):
        np.add.at(total[:, resource], of, need[rows, resource])
    return total


def fit(need: Ints, room: Ints, rows: Rows, owner: Rows) -> Flags:
    """Say of each of these rows whether it needs no more than its cluster's `room`."""
    of = owner[rows]
    found = np.ones(len(rows), dtype=np.bool_)
    for resource in range(need.shape[1]):
        found &= need[rows, resource] <= room[of, resource]
    return found


def all_fit(need: Ints, room: Ints, offsets: Ints) -> Flags:
    """Say of every row whether it needs no more than its cluster's `room`."""
    counts = np.diff(offsets)
    found = np.ones(len(need), dtype=np.bool_)
    for resource in range(need.shape[1]):
        found &= need[:, resource] <= np.repeat(room[:, resource], counts)
    return found
