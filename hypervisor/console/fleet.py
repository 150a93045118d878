"""The fleet on the start page: a row a cluster, those in trouble and the busiest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Case, F, FloatField, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest, NullIf
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.display import NOTHING, link, link_to, list_of, span, stacked
from clusters.admin.capacity import cluster_bar
from clusters.admin.cluster import IN_STATE, state
from clusters.amounts import RESOURCES
from clusters.models import Cluster, ClusterState
from clusters.selectors import IN_USE
from deployments.admin import wording
from deployments.models import Deployment, Priority
from deployments.states import Status
from scheduling.models import ClusterMinute

ROWS = 50
MOST = 1000
"""So many of a queue's priority are counted; of more the page says "more than"."""
TROUBLE = (ClusterState.UNREACHABLE, ClusterState.OVERCOMMITTED)
# One look at each priority of each queue, which its index answers without reading the queue.
QUEUES = """
SELECT cluster.id, priority, number, since
FROM unnest(%(clusters)s::bigint[]) AS cluster(id) CROSS JOIN unnest(ARRAY[3, 2, 1]) AS priority
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(queued_at) AS since FROM (
        SELECT queued_at FROM deployments_deployment AS waiting
        WHERE waiting.cluster_id = cluster.id AND waiting.priority = priority.priority AND status = 'pending'
        ORDER BY waiting.priority DESC, queued_at, id LIMIT %(most)s
    ) AS first
) AS queue WHERE number > 0
"""
STOPPING = """
SELECT cluster_id, sum(required_gpu), sum(required_cpu), sum(required_ram) FROM deployments_deployment
WHERE cluster_id = ANY(%(clusters)s) AND status IN ('starting', 'running', 'stopping') AND status = 'stopping'
GROUP BY cluster_id
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """Those of one priority that wait on a cluster, and since when the first of them does."""

    priority: int
    number: int
    since: datetime


def rows(wanted: str | None) -> tuple[Page[Any], list[tuple[Any, ...]]]:
    """A page of the fleet (`wanted`: its number, as it was asked for), and the cells of each of its rows."""
    page = Paginator(_ordered(), ROWS).get_page(wanted)
    clusters = list(page)
    queues, stopping = _queues(clusters), _stopping(clusters)
    for one in clusters:
        for name, amount in zip(RESOURCES, stopping.get(one.pk, (0, 0, 0)), strict=True):
            setattr(one, f"stopping_{name}", int(amount))
    return page, [_cells(one, queues.get(one.pk, [])) for one in clusters]


COLUMNS = ("Cluster", "State", "GPU", "CPU", "RAM", "Queue", "Oldest wait")


def _cells(cluster: Cluster, queue: list[Queue]) -> tuple[Any, ...]:
    bars = [cluster_bar(cluster, name) for name in ("gpu", "cpu", "ram")]
    return (
        stacked(link(cluster), cluster.organization),
        state(cluster),
        *bars,
        _told(cluster, queue),
        _oldest(queue),
    )


def _told(cluster: Cluster, queue: list[Queue]) -> SafeString | str:
    if not queue:
        return NOTHING
    parts = [
        (wording.priority(one.priority), f"{MOST:,}+" if one.number >= MOST else f"{one.number:,}")
        for one in queue
    ]
    told = format_html_join("", '<span class="console-count">{} {}</span>', parts)
    return link_to(list_of(Deployment, cluster__id__exact=cluster.pk, status__exact=Status.PENDING), told)


def _oldest(queue: list[Queue]) -> SafeString | str:
    if not queue:
        return NOTHING
    oldest = min(queue, key=lambda one: one.since)
    return format_html(
        '<span class="console-fixed" title="since {} UTC">{} <small>{}</small></span>',
        f"{oldest.since:%Y-%m-%d %H:%M:%S}", span(timezone.now() - oldest.since), Priority(oldest.priority).label,
    )  # fmt: skip


def _ordered() -> Any:
    """Trouble first, then the longest queue of the last minute, then the fullest."""
    newest = ClusterMinute.objects.order_by("-at").values("at")[:1]
    last = ClusterMinute.objects.filter(cluster=OuterRef("pk"), at=Subquery(newest)).values(
        queue=F("queue_low") + F("queue_medium") + F("queue_high")
    )
    trouble = [When(IN_STATE[name], then=Value(place)) for place, name in enumerate(TROUBLE)]
    filled = Greatest(
        *(
            Coalesce(F(f"allocated_{name}") * 1.0 / NullIf(F(f"total_{name}"), 0), Value(0.0))
            for name in RESOURCES
        ),
        output_field=FloatField(),
    )
    return (
        Cluster.objects.filter(IN_USE)
        .select_related("organization")
        .annotate(
            trouble=Case(*trouble, default=Value(len(TROUBLE)), output_field=IntegerField()),
            queued=Coalesce(Subquery(last, output_field=FloatField()), Value(0.0)),
            filled=filled,
        )
        .order_by("trouble", "-queued", "-filled", "pk")
    )


def _queues(clusters: list[Cluster]) -> dict[int, list[Queue]]:
    found: dict[int, list[Queue]] = {}
    with connection.cursor() as cursor:
        cursor.execute(QUEUES, {"clusters": [one.pk for one in clusters], "most": MOST})
        for id_, priority, number, since in cursor.fetchall():
            found.setdefault(id_, []).append(Queue(priority, number, since))
    return {id_: sorted(queue, key=lambda one: -one.priority) for id_, queue in found.items()}


def _stopping(clusters: list[Cluster]) -> dict[int, tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(STOPPING, {"clusters": [one.pk for one in clusters]})
        return {id_: (gpu, cpu, ram) for id_, gpu, cpu, ram in cursor.fetchall()}
