"""Few different values in long columns: numbered, so that they can be places in a table."""

import numpy as np

from scheduling.core.columns import Ints, Rows

WIDEST = 1 << 20
"""Whole numbers in a range no wider than this are told apart by a table with an entry for each."""


class Numbers:
    """Numbers the different ids of a column, from 0 on."""

    def __init__(self, ids: Ints) -> None:
        """Number these ids, in their order; there is one at least."""
        self._low, high = int(ids.min()), int(ids.max())
        self._table: Rows | None = None
        if high - self._low < WIDEST:
            there = np.zeros(high - self._low + 1, dtype=np.bool_)
            there[ids - self._low] = True
            self._table = np.where(there, np.cumsum(there) - 1, -1)
            self.count = int(np.count_nonzero(there))
        else:
            self._ids = np.unique(ids)
            self.count = len(self._ids)

    def place(self, ids: Ints) -> Rows:
        """The number of each id; -1: it is not among them."""
        if self._table is not None:
            at = (ids - self._low).clip(-1, len(self._table))
            places: Rows = np.append(self._table, [-1, -1])[at]
            return places
        at = np.searchsorted(self._ids, ids).clip(max=self.count - 1)
        return np.where(self._ids[at] == ids, at, -1)


def distinct(keys: Rows, span: int) -> tuple[Rows, Rows, Rows]:
    """The different keys, sorted; where one of each is; and the place of each key among them. All are below `span`."""
    if span > WIDEST:
        known, first, place = np.unique(keys, return_index=True, return_inverse=True)
        return known, first, place
    one = np.full(span, -1, dtype=np.intp)
    one[keys] = np.arange(len(keys))
    known = np.flatnonzero(one >= 0)
    number = np.empty(span, dtype=np.intp)
    number[known] = np.arange(len(known))
    return known, one[known], number[keys]
