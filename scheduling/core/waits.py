"""Why each one in a cluster goes on waiting: read from a plan's column only when somebody asks."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from scheduling.core.columns import Codes
from scheduling.core.order import queue_order
from scheduling.core.reasons import REASONS, Reason
from scheduling.core.state import Snapshot

Wait = tuple[int, Reason]


class Waits(Sequence[Wait]):
    """The (id, reason) of those in one cluster that go on waiting, in queue order; equal to the tuple of them."""

    __slots__ = ("_codes", "_index", "_snapshot")

    def __init__(self, snapshot: Snapshot, reasons: Codes, index: int) -> None:
        """Of the cluster at this place; `reasons` is the plan's column over all clusters."""
        start, stop = snapshot.pending.offsets[index : index + 2]
        self._snapshot, self._index = snapshot, index
        self._codes = reasons[start:stop]

    def pairs(self) -> tuple[Wait, ...]:
        """All of them."""
        state = self._snapshot.cluster(self._index)
        told = {one.id: code for one, code in zip(state.pending, self._codes.tolist(), strict=True) if code}
        reasons: Any = ((one.id, REASONS[told[one.id]]) for one in queue_order(state) if one.id in told)
        return tuple(reasons)

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
