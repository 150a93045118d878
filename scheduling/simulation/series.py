"""What was in use, and how many waited, over time: step functions averaged over equal spans. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.simulation.replay import Replayed
from scheduling.simulation.workload import Workload

SPANS = 400


@dataclass(frozen=True, slots=True)
class Series:
    """Averages over spans of `span` microseconds from the first submit on.

    `useful`, `lost`: GPUs (cores where the cluster has none) at work that was kept, and at work that evictions
    destroyed. `waiting`: jobs.
    """

    span: float
    useful: tuple[float, ...]
    lost: tuple[float, ...]
    waiting: tuple[float, ...]


def series(workload: Workload, replayed: Replayed, *, spans: int = SPANS) -> Series:
    """The averages over so many spans, up to the last end."""
    last = max((stint.ended for stint in replayed.stints), default=0)
    span = max(1.0, last / spans)
    useful, lost, waiting = (_Steps(span, spans) for _ in range(3))
    index = workload.work_resource
    since = {id_: job.submit for id_, job in enumerate(workload.jobs)}
    for stint in sorted(replayed.stints, key=lambda stint: stint.began):
        amount = workload.jobs[stint.job].need[index] / 1000
        middle = stint.began + stint.kept
        useful.add(stint.began, middle, amount)
        lost.add(middle, stint.ended, amount)
        waiting.add(since[stint.job], stint.began, 1)
        since[stint.job] = stint.ended
        if stint.completed:
            del since[stint.job]
    for moment in since.values():
        waiting.add(moment, last, 1)
    return Series(span, useful.averages(), lost.averages(), waiting.averages())


class _Steps:
    """A sum of intervals, each of a height, in a few steps per interval, however long it is."""

    def __init__(self, span: float, spans: int) -> None:
        self.span, self.spans = span, spans
        self.partly = [0.0] * (spans + 1)
        self.rises = [0.0] * (spans + 2)

    def add(self, began: float, ended: float, height: float) -> None:
        if ended <= began:
            return
        first, last = (min(self.spans, int(moment / self.span)) for moment in (began, ended))
        if first == last:
            self.partly[first] += height * (ended - began) / self.span
            return
        self.partly[first] += height * (first + 1 - began / self.span)
        self.partly[last] += height * (ended / self.span - last)
        self.rises[first + 1] += height
        self.rises[last] -= height

    def averages(self) -> tuple[float, ...]:
        level, found = 0.0, []
        for index in range(self.spans):
            level += self.rises[index]
            found.append(max(0.0, level + self.partly[index]))
        return tuple(found)


def highest(rows: Sequence[Sequence[float]]) -> float:
    """The highest value of them all; 0 of none."""
    return max((max(row, default=0.0) for row in rows), default=0.0)
