"""Keeps the figures of each minute and each hour, so that a page or a report reads a few rows and adds nothing up.

Measured from runs and certificates by their times, after the minute is over: whoever does it once more writes the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from clusters.models import Cluster
from scheduling.models import ClusterHour, ClusterMinute, FleetHour, FleetMinute, UsageHour
from scheduling.rollup_sql import BOUNDS_OF_BUCKETS, MINUTES, SUMS, USAGE, fold

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MINUTES_KEPT, HOURS_KEPT = timedelta(days=2), timedelta(days=400)
SETTLED = timedelta(seconds=10)
"""A minute is measured so long after its end: what was dated in it has been committed by then."""
MEASURED_AGAIN = 2 * MINUTE
"""And once more with the minutes after it, for a commit that took longer."""
AT_ONCE = HOUR
"""As much is caught up with in one transaction."""
LOCK = 7_406_225_803_118_002_113
"""One at a time; any number that nobody else takes."""
TABLES = {model: model._meta.db_table for model in (ClusterMinute, ClusterHour, FleetMinute, FleetHour)}
FLEET_MINUTES = fold(TABLES[ClusterMinute], TABLES[FleetMinute], to_hours=False, by_cluster=False)
CLUSTER_HOURS = fold(TABLES[ClusterMinute], TABLES[ClusterHour], to_hours=True, by_cluster=True)
FLEET_HOURS = fold(TABLES[FleetMinute], TABLES[FleetHour], to_hours=True, by_cluster=False)


@dataclass(frozen=True, slots=True)
class Window:
    """Whole minutes, from `since` until before `until`.

    `done`: until when all was written before; `looked_at`: the minute that the queue of now stands for.
    """

    since: datetime
    done: datetime
    until: datetime
    looked_at: datetime | None


def roll_up(*, now: datetime | None = None) -> int:
    """Write down all minutes that are over and not written yet; answers how many. Late ones are caught up with."""
    now = now or timezone.now()
    written = 0
    while _next_day_of_usage(now):
        pass
    while minutes := _next(now):
        written += minutes
    return written


def prune(*, now: datetime | None = None) -> None:
    """Delete what is older than is kept."""
    now = now or timezone.now()
    for minutes in (ClusterMinute.objects, FleetMinute.objects):
        minutes.filter(at__lt=now - MINUTES_KEPT).delete()
    for hours in (ClusterHour.objects, FleetHour.objects):
        hours.filter(at__lt=now - HOURS_KEPT).delete()
    UsageHour.objects.filter(hour__lt=now - HOURS_KEPT).delete()


@transaction.atomic
def _next_day_of_usage(now: datetime) -> bool:
    """Measure what was used on the next day whose minutes nobody makes up for; answers whether there was one."""
    since = _written_until() if _is_alone() else None
    oldest = _oldest_minute(now)
    if since is None or since >= oldest:
        return False
    since = max(hour_of(since), hour_of(now - HOURS_KEPT))
    until = min(oldest, since + DAY)
    with connection.cursor() as cursor:
        cursor.execute(USAGE, {"since": since, "until": until})
    # How far we are: no chart looks so far back by minutes.
    FleetMinute.objects.bulk_create(_blank(until - MINUTE, until), ignore_conflicts=True)
    return True


@transaction.atomic
def _next(now: datetime) -> int:
    done = _written_until() if _is_alone() else None
    over = minute_of(now - SETTLED)
    if done is None or done >= over:
        return 0
    until = min(over, done + AT_ONCE)
    window = Window(
        max(done - MEASURED_AGAIN, _oldest_minute(now)),
        done,
        until,
        until - MINUTE if now - until < MINUTE + SETTLED else None,
    )
    _measure(window)
    return round((until - done) / MINUTE)


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def _written_until() -> datetime | None:
    """Until before when all minutes are written; None: there is nothing to write."""
    written = FleetMinute.objects.aggregate(last=Max("at"))["last"]
    return written + MINUTE if written else _first()


def _oldest_minute(now: datetime) -> datetime:
    # Whole hours: one whose first minutes are gone is not added up anew.
    return hour_of(now - MINUTES_KEPT) + HOUR


def _first() -> datetime | None:
    first = Cluster.objects.aggregate(first=Min("created_at"))["first"]
    return first and minute_of(first)


def _measure(window: Window) -> None:
    """All of a window, in six statements."""
    # Also where there is no cluster any more, so that we know how far we are.
    FleetMinute.objects.bulk_create(_blank(window.done, window.until), ignore_conflicts=True)
    hours = {"since": hour_of(window.since), "until": hour_of(window.until)}
    with connection.cursor() as cursor:

        def write(statement: str, **values: Any) -> None:
            cursor.execute(statement, values)

        span = {"since": window.since, "until": window.until}
        write(MINUTES, **span, looked_at=window.looked_at, bounds=BOUNDS_OF_BUCKETS)
        write(FLEET_MINUTES, **span)
        # Hours that are over, and once more for a few minutes after.
        write(CLUSTER_HOURS, **hours)
        write(FLEET_HOURS, **hours)
        write(USAGE, since=hour_of(window.since), until=window.until)


def _blank(since: datetime, until: datetime) -> list[FleetMinute]:
    nothing: dict[str, Any] = dict.fromkeys(SUMS, 0) | {"waits": []}
    return [
        FleetMinute(at=since + index * MINUTE, **nothing) for index in range(round((until - since) / MINUTE))
    ]


def minute_of(at: datetime) -> datetime:
    """The first moment of its minute."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """The first moment of its hour, in UTC."""
    return minute_of(at).replace(minute=0)
