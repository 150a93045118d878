"""Reading what `rollups` keeps: the fleet's figures over a range of time, and each cluster's last minute."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from scheduling.models import FleetHour, FleetMinute
from scheduling.rollups import HOUR, MINUTE, hour_of
from scheduling.wait_histogram import added, of_priority, percentile

SUMMED = (
    "total_gpu_seconds", "gpu_seconds_low", "gpu_seconds_medium", "gpu_seconds_high", "starts", "ends", "failures",
    "preemptions", "gpu_seconds_lost",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """A span until now, in slots of one length."""

    name: str
    words: str
    span: timedelta
    slot: timedelta

    def since(self, now: datetime) -> datetime:
        """The first moment of the first slot; slots are whole in UTC."""
        step = self.slot.total_seconds()
        last = now.timestamp() // step * step
        return datetime.fromtimestamp(last, now.tzinfo) + self.slot - self.span


RANGES = {
    one.name: one
    for one in (
        Range("1h", "1 h", HOUR, MINUTE),
        Range("24h", "24 h", timedelta(hours=24), 15 * MINUTE),
        Range("7d", "7 d", timedelta(days=7), 2 * HOUR),
        Range("30d", "30 d", timedelta(days=30), 6 * HOUR),
    )
}
DEFAULT = RANGES["24h"]


@dataclass(slots=True)
class Slot:
    """The fleet's figures of one slot; `seconds` of it are known."""

    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SUMMED, 0.0))
    histograms: list[Sequence[int]] = field(default_factory=list)

    def average(self, name: str) -> float | None:
        """How much at a time, of what is kept as seconds; None: nobody knows."""
        return self.sums[name] / self.seconds if self.seconds else None

    def sum(self, name: str) -> float | None:
        """How much in all; None: nobody knows."""
        return self.sums[name] if self.seconds else None

    def wait(self, priority: int, share: float) -> float | None:
        """Seconds within which this share of those of a priority had started; None: none of them started."""
        if not self.histograms:
            return None
        return percentile(of_priority(added(self.histograms), priority), share)


def fleet(chosen: Range, now: datetime) -> list[Slot]:
    """The slots of a range, the oldest first, in one query or two: minutes, or hours and the minutes after them."""
    since = chosen.since(now)
    slots = [Slot() for _ in range(round(chosen.span / chosen.slot))]
    if chosen.slot < HOUR:
        _fill(slots, chosen, since, FleetMinute.objects.filter(at__gte=since), MINUTE)
        return slots
    _fill(slots, chosen, since, FleetHour.objects.filter(at__gte=since), HOUR)
    # The hour under way, and the one before it where nobody has added it up yet.
    last = FleetHour.objects.order_by("-at").values("at")[:1]
    beyond = FleetMinute.objects.filter(at__gte=hour_of(now) - HOUR).annotate(last=last)
    _fill(slots, chosen, since, beyond.filter(Q(last=None) | Q(at__gte=F("last") + HOUR)), MINUTE)
    return slots


def _fill(
    slots: list[Slot],
    chosen: Range,
    since: datetime,
    rows: QuerySet[FleetMinute | FleetHour],
    length: timedelta,
) -> None:
    for at, waits, *figures in rows.order_by("at").values_list("at", "waits", *SUMMED):
        index = int((at - since) / chosen.slot)
        if not 0 <= index < len(slots):
            continue
        slot = slots[index]
        slot.seconds += length.total_seconds()
        for name, value in zip(SUMMED, figures, strict=True):
            slot.sums[name] += value
        if waits:
            slot.histograms.append(waits)


def last_minute() -> datetime | None:
    """The newest minute that is written down."""
    return FleetMinute.objects.order_by("-at").values_list("at", flat=True).first()
