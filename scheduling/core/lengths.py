"""When a run is likely to end: from what its owner declared, and from how long its like took before. Never invented."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduling.core.state import Running

FEWEST = 5
"""So many finished runs of the same kind at least, before they say anything of the next."""


class Basis(StrEnum):
    """What an end is told from."""

    STOPPING = "stopping"
    """It was told to stop, and its grace ends."""
    EXPECTED = "expected"
    """Its owner said how long it would run."""
    HISTORY = "history"
    """Finished runs of the same kind."""
    TIME_LIMIT = "time_limit"
    """Nothing but that it is stopped at its time limit."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Length:
    """What is known of a deployment's length, in microseconds.

    `expected`: declared; `limit`: it is stopped after so long; `past`: how long finished runs of the same kind took.
    `running_since`: since when the limit counts; None while it does not run yet. `gone_by`: by then a stopping one has
    been killed, and `comes_back` says that it was preempted and queues again. `grace`: how long it may take to stop.
    `queued_at`: its place in the queue, should it come back. `completes`: once it ends and does not come
    back, it has completed.
    """

    expected: int | None = None
    limit: int | None = None
    past: Sequence[int] = ()
    running_since: int | None = None
    gone_by: int | None = None
    comes_back: bool = False
    grace: int = 0
    queued_at: int | None = None
    completes: bool = True


@dataclass(frozen=True, slots=True)
class Ends:
    """When it ends, in microseconds since the epoch; None where nobody knows."""

    earliest: int | None = None
    likely: int | None = None
    latest: int | None = None
    basis: Basis = Basis.UNKNOWN


UNKNOWN = Ends()


def ends_of(run: Running, length: Length, now: int) -> Ends:
    """When a run ends. One that has outrun what was expected of it is expected to take as long again.

    `earliest` and `latest` are the tenth and the ninetieth percentile of those of its kind that took longer than it
    has so far; without such, `latest` is its time limit, and a declared expectation alone has no spread.
    """
    if run.stopping:
        ahead = length.gone_by is not None and length.gone_by > now
        return Ends(now, length.gone_by if ahead else now, length.gone_by if ahead else None, Basis.STOPPING)
    since = run.started_at if length.running_since is None else length.running_since
    age = max(0, now - since)
    told = span_of(length, expected=run.expected, age=age)
    limit = None
    if length.limit is not None and length.running_since is not None:
        limit = max(now, since + length.limit + length.grace)

    def at(span: int | None) -> int | None:
        if span is None:
            return None
        return since + span if limit is None else min(since + span, limit)

    latest = at(told.latest)
    return Ends(at(told.earliest), at(told.likely), limit if latest is None else latest, told.basis)


def span_of(length: Length, *, expected: int | None = None, age: int = 0) -> Ends:
    """How long it runs in all, in microseconds, if it has run for `age` already."""
    declared = length.expected if length.expected is not None else expected
    enough = len(length.past) >= FEWEST
    longer = sorted(span for span in length.past if span > age) if enough else []
    earliest, median, latest = (
        (_percentile(longer, part) for part in (10, 50, 90)) if longer else (None, None, None)
    )
    if declared is not None:
        likely = declared if declared > age else 2 * age
        return Ends(_least(earliest, likely), likely, _most(latest, likely), Basis.EXPECTED)
    if enough:
        return Ends(earliest, 2 * age if median is None else median, latest, Basis.HISTORY)
    return Ends(basis=Basis.UNKNOWN if length.limit is None else Basis.TIME_LIMIT)


def _percentile(ordered: Sequence[int], part: int) -> int:
    """The nearest rank: a value that was measured."""
    return ordered[max(0, -(-len(ordered) * part // 100) - 1)]


def _least(one: int | None, other: int) -> int | None:
    return None if one is None else min(one, other)


def _most(one: int | None, other: int) -> int | None:
    return None if one is None else max(one, other)
