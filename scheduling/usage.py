"""Who used how much of what, read from the hours that were kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from scheduling.models import UsageHour

HOUR = timedelta(hours=1)
GONE = "somebody who is gone"


@dataclass(frozen=True, slots=True)
class Span:
    """How far back, and how long one bar of the drawing is."""

    length: timedelta
    step: timedelta
    label: str


SPANS: Mapping[str, Span] = {
    "24h": Span(timedelta(hours=24), HOUR, "24 hours"),
    "7d": Span(timedelta(days=7), 6 * HOUR, "7 days"),
    "30d": Span(timedelta(days=30), 24 * HOUR, "30 days"),
}
DEFAULT_SPAN = "24h"


@dataclass(frozen=True, slots=True)
class Used:
    """Hours of devices, of cores and of GB that a user's deployments of one priority held."""

    username: str
    priority: int
    gpu: float
    cpu: float
    ram: float


def by_user(*, organization_id: int, span: Span) -> list[Used]:
    """The largest users first; a row for each user and priority."""
    sums = {name: Sum(f"{name}_seconds") for name in ("gpu", "cpu", "ram_gb")}
    rows: Any = (
        UsageHour.objects.filter(organization_id=organization_id, hour__gte=_since(span))
        .order_by()
        .values("user__username", "priority")
        .annotate(**sums)
    )
    found = [
        Used(row["user__username"] or GONE, row["priority"], *(row[name] / 3600 for name in sums))
        for row in rows
    ]
    return sorted(found, key=lambda one: (-one.gpu, -one.cpu, one.username, -one.priority))


def over_time(*, organization_id: int, span: Span) -> list[tuple[datetime, float]]:
    """(beginning, GPU hours) of each step, also of those in which nothing was held."""
    since = _since(span)
    rows: Any = (
        UsageHour.objects.filter(organization_id=organization_id, hour__gte=since)
        .order_by()
        .values_list("hour")
        .annotate(gpu=Sum("gpu_seconds"))
    )
    sums = [0.0] * round(span.length / span.step)
    for hour, gpu in rows:
        place = int((hour - since) / span.step)
        if place < len(sums):
            sums[place] += gpu / 3600
    return [(since + place * span.step, gpu) for place, gpu in enumerate(sums)]


def _since(span: Span) -> datetime:
    """The first of as many whole steps as end with the hour that is under way."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    return this_hour + HOUR - span.length
