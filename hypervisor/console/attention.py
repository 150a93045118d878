"""What needs an operator: each with the way to it and what to do. An empty list means that nothing does."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Least
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.admin.display import ago, list_of, page, page_of, span
from clusters.admin.cluster import IN_STATE
from clusters.models import Cluster, ClusterState
from clusters.selectors import IN_USE
from deployments.admin import wording
from deployments.models import Deployment, Run
from deployments.states import Status
from scheduling import figures, heartbeat, refusals
from scheduling.beat import seeds
from scheduling.models import Cycle

MOST = 5
"""Lines of one kind; one more says how many there are beyond."""
COUNTED = 200
"""Of each kind, so many are looked at."""
SLACK = timedelta(seconds=60)
"""An engine may take so long beyond a grace before anybody needs to look."""
LATE = timedelta(minutes=5)
"""Figures of the fleet that are older than this are behind."""
SILENT_AT_LEAST = 30.0


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `colour`: red for what stands still, amber for what will, grey for what somebody switched off."""

    what: str
    told: Any
    do: str
    address: str
    colour: str = "red"


def attention() -> list[Item]:
    """All of it, what stands still first."""
    now = timezone.now()
    return [item for find in FINDERS for item in find(now)]


def _scheduler(now: datetime) -> Iterator[Item]:
    last = heartbeat.last()
    silent = max(SILENT_AT_LEAST, 4 * settings.SCHEDULER_INTERVAL_SECONDS)
    if last is None:
        if not Deployment.objects.exists():
            return
        told: Any = "has given no sign of life"
    else:
        at = datetime.fromtimestamp(last, UTC)
        if now - at < timedelta(seconds=silent):
            return
        told = f"last ran {span(now - at)} ago"
    yield Item(
        "The scheduler", told, "See that beat, a worker and Redis run; /ready says which of them does not.",
        list_of(Cycle),
    )  # fmt: skip


def _unreachable(now: datetime) -> Iterator[Item]:
    rows = _clusters(IN_STATE[ClusterState.UNREACHABLE], "unreachable_since")
    for row in _first(rows):
        lost = row.declared_lost_at is not None
        yield Item(
            f"{row.name}: its engine does not answer",
            ago(row.unreachable_since),
            "It was declared lost; it comes back by itself."
            if lost
            else "See to the machine and its network, then Check now; if it is gone for good, declare it lost.",
            page_of(row),
            "grey" if lost else "red",
        )
    yield from _beyond(rows, "clusters whose engines do not answer", list_of(Cluster, state="unreachable"))


def _refused(now: datetime) -> Iterator[Item]:
    standing = refusals.standing()
    names = dict(
        Cluster.objects.filter(IN_USE, pk__in=[one.cluster_id for one in standing]).values_list("pk", "name")
        if standing
        else ()
    )
    known = [one for one in standing if one.cluster_id in names]
    for one in _first(known):
        yield Item(
            f"{names[one.cluster_id]}: its last cycle failed, and nothing was written",
            one.told,
            "Compare the books (manage.py check_books), run the scheduler there, and report what it says.",
            page(Cluster, one.cluster_id),
        )
    yield from _beyond(known, "clusters whose last cycle failed", list_of(Cluster))


def _stopping(now: datetime) -> Iterator[Item]:
    grace = Least(F("deployment__grace_period_seconds"), F("cluster__max_grace_period_seconds"))
    told = _live(stop_requested_at__lt=now - SLACK).annotate(grace=grace).order_by("stop_requested_at")
    rows = [
        run
        for run in told[:COUNTED]
        if (run.stop_delivered_at or run.stop_requested_at) + timedelta(seconds=run.grace) + SLACK < now
    ]
    for run in _first(rows):
        yield Item(
            f"{run.deployment.name}: does not stop",
            f"told to {span(now - run.stop_requested_at)} ago, on {run.cluster}",
            "Its grace is over and its engine still shows it. Check the cluster; look for a hung mount or device.",
            page_of(run.deployment),
        )
    yield from _beyond(rows, "runs that do not stop", list_of(Deployment, status__exact=Status.STOPPING))


def _starting(now: datetime) -> Iterator[Item]:
    late = now - timedelta(seconds=settings.START_TIMEOUT_SECONDS / 2)
    rows = list(
        _live(running_at=None, stop_requested_at=None, booked_at__lt=late).order_by("booked_at")[:COUNTED]
    )
    for run in _first(rows):
        yield Item(
            f"{run.deployment.name}: does not start",
            f"{wording.reason(run.failure) or 'given its room'}, {span(now - run.booked_at)} ago, on {run.cluster}",
            run.detail[:160] or "See its events and its image; it fails at the time-out.",
            page_of(run.deployment),
            "amber",
        )
    yield from _beyond(rows, "runs that do not start", list_of(Deployment, status__exact=Status.STARTING))


def _overcommitted(now: datetime) -> Iterator[Item]:
    rows = _clusters(IN_STATE[ClusterState.OVERCOMMITTED], "pk")
    for row in _first(rows):
        yield Item(
            f"{row.name}: holds more than it has",
            "nothing starts there until enough has ended",
            "Its size was lowered, or its engine lost devices. Raise it, or stop some of what runs.",
            page_of(row),
            "amber",
        )
    yield from _beyond(
        rows, "clusters that hold more than they have", list_of(Cluster, state="overcommitted")
    )


def _paused(now: datetime) -> Iterator[Item]:
    waits = Exists(Deployment.objects.filter(cluster=OuterRef("pk"), status=Status.PENDING))
    rows = _clusters(IN_STATE[ClusterState.PAUSED] & Q(waits), "pk")
    for row in _first(rows):
        yield Item(
            f"{row.name}: paused, and somebody waits there",
            "nothing starts there",
            "Resume it when its maintenance is over.",
            page_of(row),
            "grey",
        )
    yield from _beyond(rows, "paused clusters where somebody waits", list_of(Cluster, state="paused"))


def _disabled(now: datetime) -> Iterator[Item]:
    for task in PeriodicTask.objects.filter(name__in=seeds(), enabled=False).order_by("name"):
        yield Item(
            f"{task.name}: disabled", "beat does not send it", "Enable it, if that was not on purpose.",
            page_of(task), "amber",
        )  # fmt: skip


def _behind(now: datetime) -> Iterator[Item]:
    last = figures.last_minute()
    if last is not None and now - last > LATE:
        yield Item(
            "The figures below are behind", f"the last are of {span(now - last)} ago",
            "See that beat runs and sends scheduling.roll_up; it catches up by itself.", list_of(PeriodicTask), "amber",
        )  # fmt: skip


FINDERS: tuple[Callable[[datetime], Iterable[Item]], ...] = (
    _scheduler, _unreachable, _refused, _stopping, _overcommitted, _starting, _behind, _disabled, _paused,
)  # fmt: skip


def _clusters(which: Q, order: str) -> list[Cluster]:
    return list(Cluster.objects.filter(IN_USE, which).order_by(order, "pk")[:COUNTED])


def _live(**which: Any) -> Any:
    return Run.objects.filter(outcome=None, **which).select_related("deployment", "cluster")


def _first(rows: list[Any]) -> list[Any]:
    return rows[:MOST]


def _beyond(rows: list[Any], what: str, address: str) -> Iterator[Item]:
    more = len(rows) - MOST
    if more > 0:
        yield Item(f"And {more}{'+' if len(rows) >= COUNTED else ''} more {what}", "", "", address)
