"""Who waits on a cluster and why, in the order in which its policy looks at them."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.display import link, list_of, stacked
from accounts.admin.panels import NEWEST, Panel
from accounts.admin.scope import for_staff
from clusters.admin.capacity import amount_in_words
from clusters.models import Cluster
from deployments.admin import wording
from deployments.admin.clusters import ANOTHERS, those_seen
from deployments.models import Deployment
from deployments.states import Status
from scheduling.admin.policies import row_of
from scheduling.core.order import queue_order
from scheduling.planning import unmoving_view
from scheduling.policies import effective
from scheduling.snapshot import load


@for_staff
def queue(request: HttpRequest, cluster: Cluster) -> Panel:
    """The next one first. Of another organization's only its amount and priority are told."""
    rows = _next(cluster)
    mine = those_seen(request, rows)
    return Panel(
        "Queue, the next one first",
        ("", "Deployment", "Priority", "Needs", "Why it waits", "Time"),
        [
            (
                place, stacked(link(row), row.organization), wording.priority(row.priority),
                amount_in_words(row.required), wording.reason(row.reason) or "Not looked at yet", wording.since(row),
            )
            if row.pk in mine
            else (place, ANOTHERS, wording.priority(row.priority), amount_in_words(row.required), "", "")
            for place, row in enumerate(rows, start=1)
        ],
        list_of(Deployment, cluster__id__exact=cluster.pk, status__exact=Status.PENDING),
        "Nothing waits here.",
    )  # fmt: skip


def _next(cluster: Cluster) -> list[Any]:
    rows = cluster.deployments.filter(status=Status.PENDING).select_related("organization")
    policy = effective(row_of(cluster))
    if policy.is_first_come:
        return list(rows.order_by("-priority", "queued_at", "id")[:NEWEST])
    # Shares, lengths or ageing rank this queue: only what the planner sees tells its order.
    with unmoving_view():
        (state,) = load([cluster], timezone.now(), everybody=True).clusters
    ranked = [one.id for one in queue_order(state)][:NEWEST]
    known = rows.in_bulk(ranked)
    return [known[id_] for id_ in ranked if id_ in known]
