"""What deployments tell on the clusters' pages: how many run and wait, and what is about to be freed."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts.admin.actions import RowAction
from accounts.admin.display import link, link_to, list_of, stacked
from accounts.admin.panels import NEWEST, Panel
from accounts.admin.scope import for_staff, scope, sees_all
from accounts.models import User
from clusters.admin.capacity import amount_in_words
from clusters.admin.cluster import MANAGES, ClusterAdmin
from clusters.amounts import RESOURCES
from clusters.models import Cluster
from deployments.admin import wording
from deployments.models import Deployment
from deployments.services.give_up import declare_lost, live_runs
from deployments.states import HOLDS_CAPACITY, Status

RUNNING: dict[str, Any] = {"status__in": sorted(HOLDS_CAPACITY)}
PENDING: dict[str, Any] = {"status": Status.PENDING}
ANOTHERS = "another organization's"
"""All that is told of it is its amount and priority."""


def of_cluster(figure: Any, rows: Any = None, **which: Any) -> Any:
    """A figure about a cluster's deployments, or of those in `rows`, as a column beside the cluster's own."""
    of = Deployment.objects.all() if rows is None else rows
    rows = of.filter(cluster=OuterRef("pk"), **which).order_by().values("cluster")
    number = Subquery(rows.annotate(figure=figure).values("figure"), output_field=IntegerField())
    return Coalesce(number, Value(0))


def narrowed(cluster: Any, number: int, status: str) -> Any:
    return (
        link_to(list_of(Deployment, cluster__id__exact=cluster.pk, status__exact=status), number)
        if number
        else 0
    )


@display(description="running", ordering="running_count")
def running(cluster: Any) -> Any:
    return narrowed(cluster, cluster.running_count, Status.RUNNING)


@display(description="pending", ordering="pending_count")
def pending(cluster: Any) -> Any:
    return narrowed(cluster, cluster.pending_count, Status.PENDING)


@for_staff
def holders(request: HttpRequest, cluster: Cluster) -> Panel:
    rows = list(
        cluster.deployments.filter(status__in=sorted(HOLDS_CAPACITY))
        .select_related("organization")
        .order_by("-priority", "started_at")[:NEWEST]
    )
    mine = those_seen(request, rows)
    return Panel(
        "Running here",
        ("Deployment", "Status", "Priority", "Needs", "Time"),
        [
            (
                stacked(link(row), row.organization), wording.status(row.status), wording.priority(row.priority),
                amount_in_words(row.required), wording.since(row),
            )
            if row.pk in mine
            else (ANOTHERS, "", wording.priority(row.priority), amount_in_words(row.required), "")
            for row in rows
        ],
        list_of(Deployment, cluster__id__exact=cluster.pk, status__exact=Status.RUNNING),
        "Nothing runs here.",
    )  # fmt: skip


def those_seen(request: HttpRequest, rows: Iterable[Deployment]) -> set[int]:
    """The ids of those of the rows that who asks may see."""
    ids = {row.pk for row in rows}
    if sees_all(request.user):
        return ids
    return set(scope(request, Deployment.objects.filter(pk__in=ids)).values_list("pk", flat=True))


def give_up(actor: User, cluster: Cluster) -> None:
    # The page between has asked, and named it.
    declare_lost(actor=actor, cluster_id=cluster.pk, confirm=cluster.name)


def what_ends(cluster: Cluster) -> str:
    count = live_runs(cluster)
    return "1 run ends as lost" if count == 1 else f"{count} runs end as lost"


ClusterAdmin.annotations |= {
    "running_count": of_cluster(Count("*"), **RUNNING),
    "pending_count": of_cluster(Count("*"), **PENDING),
    **{
        f"stopping_{name}": of_cluster(Sum(F(f"required_{name}")), status=Status.STOPPING)
        for name in RESOURCES
    },
}
# As many as are in the list to which the number leads.
ClusterAdmin.their_annotations = {
    "running_count": lambda request: of_cluster(
        Count("*"), scope(request, Deployment.objects.all()), **RUNNING
    ),
    "pending_count": lambda request: of_cluster(
        Count("*"), scope(request, Deployment.objects.all()), **PENDING
    ),
}
ClusterAdmin.row_actions.append(
    RowAction(
        "declare-lost", "Declare lost", give_up, "declared lost",
        "Its runs end as lost, at once and for good, and their deployments are queued anew: they may start elsewhere "
        "while the old containers still run on an engine that nobody can see. Nothing starts here until the engine "
        "answers again and was tidied. Do this when the machine is gone or will not come back soon.",
        asks="Give up what runs on", about=what_ends, icon="link_off", variant=ActionVariant.DANGER,
        offered=lambda cluster: cluster.unreachable_since is not None
        and cluster.declared_lost_at is None and not cluster.deleted_at, right=MANAGES,
    )
)  # fmt: skip
ClusterAdmin.columns += [running, pending]
ClusterAdmin.panels.insert(0, holders)
