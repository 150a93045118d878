"""Cycles in the console, and on the clusters' pages the button that runs one now."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts import audit
from accounts.admin.actions import RowAction
from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import ago, link, list_of
from accounts.admin.filters import RowFilter
from accounts.admin.panels import NEWEST, Panel
from accounts.admin.scope import for_staff, scope
from accounts.errors import Conflict
from accounts.models import User
from clusters.models import Cluster
from deployments.services.booking import StalePlan
from organizations.admin.rights import may_see_inside
from scheduling.models import Cycle, SeededInterval
from scheduling.services import NOTHING_DONE, run_cycle


def run_now(actor: User, cluster: Cluster) -> str:
    """One ordinary cycle. Raises Conflict where it could not run, or its plan was refused."""
    try:
        result = run_cycle(cluster_ids=[cluster.pk])
    except StalePlan as error:
        raise Conflict("Its deployments kept changing. Try again in a moment.") from error
    except NOTHING_DONE as error:
        raise Conflict(f"The plan was refused, and nothing was changed: {error}") from error
    if not result.plan.clusters:
        raise Conflict("Another cycle is at work here. Try again in a moment.")
    (decided,) = result.plan.clusters
    figures = {name: getattr(decided, name) for name in ("scheduled", "preempted", "unschedulable", "held")}
    audit.record(
        actor_id=actor.pk,
        action="cluster.cycle_run",
        target=f"cluster:{cluster.pk}",
        organization_id=cluster.organization_id,
        detail=figures,
    )
    return "{scheduled} scheduled, {preempted} preempted, {unschedulable} unschedulable ({held} of them held)".format(
        **figures
    )


@for_staff
def cycles(request: HttpRequest, cluster: Cluster) -> Panel | None:
    if not may_see_inside(request.user, cluster):
        return None
    rows = scope(request, Cycle.objects.filter(cluster=cluster))[:NEWEST]
    return Panel(
        "Cycles that changed something",
        ("When", "Pending", "Scheduled", "Preempted", "Unschedulable", "Held", "Took"),
        [
            (ago(row.at), row.pending, row.scheduled, row.preempted, row.unschedulable, row.held, took(row))
            for row in rows
        ],
        list_of(Cycle, cluster__id__exact=cluster.pk),
    )


def took(cycle: Cycle) -> str:
    """The whole batch's time."""
    return f"{cycle.read_ms + cycle.plan_ms + cycle.write_ms:.1f} ms"


RUN_NOW = RowAction(
    "run-scheduler", "Run the scheduler now", run_now, "scheduled", asks="Run the scheduler now for", icon="cycle",
    offered=lambda cluster: not cluster.deleted_at,
)  # fmt: skip


@admin.register(Cycle)
class CycleAdmin(ReadOnlyAdmin):
    first_step = (
        "No cycle changed anything yet. Submit a deployment; if it stays pending, see that a worker and "
        "beat run."
    )
    list_display = (
        "when",
        "cluster_link",
        "pending",
        "scheduled",
        "preempted",
        "unschedulable",
        "held",
        "duration",
        "batch",
    )
    list_display_links = ("when",)
    list_filter = (("cluster", RowFilter), ("at", RangeDateTimeFilter))
    list_select_related = ("cluster",)
    search_fields = ("cluster__name",)
    fields = (
        ("when", "cluster_link", "policy", "batch"),
        ("pending", "scheduled", "preempted", "unschedulable", "held"),
        ("read_ms", "plan_ms", "write_ms"),
    )
    readonly_fields = ("when", "cluster_link")

    @display(description="when", ordering="id")
    def when(self, cycle: Cycle) -> Any:
        return ago(cycle.at)

    @display(description="cluster")
    def cluster_link(self, cycle: Cycle) -> Any:
        return link(cycle.cluster)

    @display(description="took")
    def duration(self, cycle: Cycle) -> str:
        return took(cycle)


@admin.register(SeededInterval)
class SeededIntervalAdmin(ReadOnlyAdmin):
    """What the environment gave beat; edit beat's task itself."""

    list_display = ("task", "seconds")
