"""What the demo counts. Pure; times in seconds of one clock."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
FINAL = frozenset({"completed", "failed", "cancelled"})


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(slots=True)
class Use:
    """What was in use of a capacity, weighted by time. Each sample holds until the next one."""

    _at: float | None = None
    _share: float = 0.0
    _seconds: float = 0.0
    _used: float = 0.0

    def sample(self, at: float, share: float) -> None:
        """From now on this share is in use."""
        if self._at is not None:
            self._seconds += at - self._at
            self._used += self._share * (at - self._at)
        self._at, self._share = at, share

    @property
    def percent(self) -> float:
        """Over the time sampled so far."""
        return 100 * self._used / self._seconds if self._seconds else 0.0


def moment(text: str) -> datetime:
    """A time of the wire."""
    return datetime.fromisoformat(text)


def waited(row: Row, first_start: str | None, ended: Mapping[int, str | None]) -> float | None:
    """Seconds from when it could have started until it first did; None if it never did.

    It could when it was queued and what it depends on had ended (`ended`: deployment → when).
    """
    if first_start is None:
        return None
    ready = [row["queued_at"], *(at for id_ in row["dependency_ids"] if (at := ended.get(id_)))]
    return max(0.0, (moment(first_start) - max(map(moment, ready))).total_seconds())


@dataclass(frozen=True, slots=True)
class Count:
    """The rows of one priority, or all, by where they are."""

    pending: int
    running: int
    stopping: int
    completed: int
    failed: int
    preemptions: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Count":
        """`running` includes those starting, `failed` those cancelled."""
        states = [row["status"] for row in rows]
        return cls(
            pending=states.count("pending"),
            running=states.count("starting") + states.count("running"),
            stopping=states.count("stopping"),
            completed=states.count("completed"),
            failed=states.count("failed") + states.count("cancelled"),
            preemptions=sum(row["preemption_count"] for row in rows),
        )


def names_twice(rows: Iterable[Row]) -> list[str]:
    """Names that more than one row has: something was submitted twice."""
    seen: set[str] = set()
    twice: set[str] = set()
    for row in rows:
        (twice if row["name"] in seen else seen).add(row["name"])
    return sorted(twice)
