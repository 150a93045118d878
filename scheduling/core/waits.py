"""Why each one in a cluster goes on waiting: read from a plan's column only when somebody asks."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from scheduling.core.columns import Codes, PendingColumns
from scheduling.core.reasons import REASONS, Reason

Wait = tuple[int, Reason]


class Waits(Sequence[Wait]):
    """The (id, reason) of those in one cluster that go on waiting, by priority (high to low), queued_at and id.

    Equal to the tuple of the same pairs.
    """

    __slots__ = ("_codes", "_pending", "_start")

    def __init__(self, pending: PendingColumns, reasons: Codes, index: int) -> None:
        """Of the cluster at this place; `reasons` is the plan's column over all clusters."""
        self._pending = pending
        self._start = int(pending.offsets[index])
        self._codes = reasons[self._start : int(pending.offsets[index + 1])]

    def pairs(self) -> tuple[Wait, ...]:
        """All of them."""
        pending, rows = self._pending, np.flatnonzero(self._codes)
        chosen = rows + self._start
        order = np.lexsort((pending.id[chosen], pending.queued_at[chosen], -pending.priority[chosen]))
        ids: list[int] = pending.id[chosen[order]].tolist()
        # Code 0 is no reason, and those who have none are not among the rows.
        reasons: Any = map(REASONS.__getitem__, self._codes[rows[order]].tolist())
        return tuple(zip(ids, reasons, strict=True))

    def __len__(self) -> int:
        """How many go on waiting."""
        return int(np.count_nonzero(self._codes))

    def __iter__(self) -> Iterator[Wait]:
        """Walk over the pairs."""
        return iter(self.pairs())

    @overload
    def __getitem__(self, index: int) -> Wait: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Wait, ...]: ...
    def __getitem__(self, index: int | slice) -> Wait | tuple[Wait, ...]:
        """Answer as the tuple would."""
        return self.pairs()[index]

    def __eq__(self, other: object) -> bool:
        """Compare as the tuple would."""
        if isinstance(other, Waits):
            return self.pairs() == other.pairs()
        return self.pairs() == other

    def __hash__(self) -> int:
        """Hash as the tuple would."""
        return hash(self.pairs())

    def __repr__(self) -> str:
        """Show the pairs."""
        return repr(self.pairs())
