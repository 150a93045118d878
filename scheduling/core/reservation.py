"""Room kept for one that has waited too long, so that smaller ones cannot pass it for ever (EASY, Lifka 1995)."""

from collections.abc import Iterable, Sequence

from scheduling.core.amounts import Amount, add, fits, subtract
from scheduling.core.order import SECOND, UNKNOWN
from scheduling.core.policy import Policy
from scheduling.core.state import Pending, Running


def longest_waiting(waiting: Iterable[Pending], *, policy: Policy, now: int) -> Pending | None:
    """Find whom room is kept for: the one that waits longest, if it is longer than the policy lets it."""
    if policy.reservation_after_seconds is None:
        return None
    since = now - policy.reservation_after_seconds * SECOND
    late = (one for one in waiting if one.queued_at <= since)
    return min(late, key=lambda one: (one.queued_at, one.id), default=None)


def expected_end(*, started_at: int, expected: int | None, now: int) -> int:
    """Say when a run is expected to end: one past its expectation, or with none, takes twice its age."""
    if expected is not None and started_at + expected > now:
        return started_at + expected
    return now + max(0, now - started_at)


class Reservation:
    """Room for one deployment at `at`, the earliest moment when enough is expected to have been released.

    Others may start if they are expected to end by then, or need no more than what is left beside it (`beside`).
    """

    def __init__(
        self, *, for_: Pending, after: Sequence[int], holding: Iterable[tuple[int, Amount]], now: int
    ) -> None:
        """Find the moment. `after`: what is left now of all that is promised; `holding`: (expected end, amount)."""
        self.id = for_.id
        self._now = now
        self.at = now
        room = list(after)
        releases = iter(sorted(holding))
        for self.at, amount in releases:
            add(room, amount)
            if fits(for_.need, room):
                break
        for at, amount in releases:
            if at > self.at:
                break
            add(room, amount)
        subtract(room, for_.need)
        self._beside = room

    def admits(self, one: Pending) -> bool:
        """Say whether `one` may start now; what it needs beside the reservation is then counted."""
        if one.expected is not None and self._now + one.expected <= self.at:
            return True
        if not fits(one.need, self._beside):
            return False
        subtract(self._beside, one.need)
        return True


def holding(
    running: Iterable[Running], gone: Iterable[int], started: Iterable[Pending], now: int
) -> Iterable[tuple[int, Amount]]:
    """List what holds room that `after` counts as taken, each with the end that is expected of it."""
    leaving = set(gone)
    for run in running:
        if not run.stopping and run.id not in leaving:
            yield expected_end(started_at=run.started_at, expected=run.expected, now=now), run.need
    for one in started:
        yield (UNKNOWN if one.expected is None else now + one.expected), one.need
