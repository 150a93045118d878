"""Memory that all requests share: small amounts are everybody's, and for large ones together there is a limit."""

from collections.abc import Iterator
from contextlib import contextmanager

SMALL_BYTES = 16 * 1024
"""So much of each is not counted: whoever holds large ones, a sign-in and a health check get through."""
ALL_BYTES = 64 * 1024 * 1024
"""Of all together, beyond what is not counted."""


class Holding:
    """What one request holds of it."""

    def __init__(self, room: "Room") -> None:
        self._room, self._counted = room, 0

    def grow_to(self, size: int) -> bool:
        """Whether there is room for so many bytes; if not, it stays as it is."""
        counted = max(0, size - SMALL_BYTES)
        if self._room.used + counted - self._counted > ALL_BYTES:
            return counted <= self._counted
        self._room.used += counted - self._counted
        self._counted = counted
        return True


class Room:
    """All of it."""

    def __init__(self) -> None:
        self.used = 0

    @contextmanager
    def holding(self) -> Iterator[Holding]:
        """For one request; what it grew to is free again afterwards."""
        held = Holding(self)
        try:
            yield held
        finally:
            held.grow_to(0)
