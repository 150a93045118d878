"""What happened to clusters, in sentences."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.audit import writers
from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import NOTHING, ago, changes, link, list_of, span, words
from accounts.admin.filters import RowFilter
from accounts.admin.panels import NEWEST, Panel
from accounts.admin.scope import for_staff, scope
from clusters.admin.capacity import quantity
from clusters.amounts import RESOURCES
from clusters.models import Cluster, ClusterEvent
from organizations.admin.rights import may_see_inside

NAMES = {
    "total_gpu": "",
    "total_cpu": "",
    "total_ram": "",
    "max_grace_period_seconds": "longest grace",
    "sized_by_engine": "follows the engine",
}
"""An amount's unit names it already."""


def shown(field: str, value: Any) -> str:
    """A value of an event as an operator reads it: amounts in their units."""
    if value is None:
        return NOTHING
    resource = field.removeprefix("total_")
    if resource in RESOURCES and isinstance(value, int):
        return quantity(resource, value)
    if field == "max_grace_period_seconds":
        return span(timedelta(seconds=value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {one}" for name, one in value.items()) or "nobody"
    if isinstance(value, list):
        return ", ".join(str(one).upper() for one in value) or "nothing"
    return str(value)


writers["cluster"] = shown


def told(event: ClusterEvent) -> str:
    """What changed, from what to what."""
    if problem := event.data.get("problem"):
        return str(problem)
    if event.kind == "declared_lost":
        return f"runs ended: {event.data['runs']}"
    return changes(event.data, shown, NAMES)


@for_staff
def events(request: HttpRequest, cluster: Cluster) -> Panel | None:
    if not may_see_inside(request.user, cluster):
        return None
    rows = scope(request, cluster.events.select_related("actor"))[:NEWEST]
    return Panel(
        "Events",
        ("When", "What", "Change", "Who"),
        [
            (ago(row.at), words(row.kind), told(row), link(row.actor) if row.actor else "the service")
            for row in rows
        ],
        list_of(ClusterEvent, cluster__id__exact=cluster.pk),
    )


@admin.register(ClusterEvent)
class ClusterEventAdmin(ReadOnlyAdmin):
    first_step = "Nothing happened to a cluster yet. Add a cluster first."
    list_display = ("when", "cluster_link", "what", "change_told", "who")
    list_display_links = ("when",)
    list_filter = (("cluster", RowFilter), "kind", ("at", RangeDateTimeFilter))
    list_select_related = ("cluster", "actor")
    search_fields = ("cluster__name", "kind", "actor__username")
    fields = ("when", "cluster_link", "organization", "what", "change_told", "who")
    readonly_fields = ("when", "cluster_link", "what", "change_told", "who")

    @display(description="when", ordering="id")
    def when(self, event: ClusterEvent) -> Any:
        return ago(event.at)

    @display(description="cluster")
    def cluster_link(self, event: ClusterEvent) -> Any:
        return link(event.cluster)

    @display(description="what", ordering="kind")
    def what(self, event: ClusterEvent) -> str:
        return words(event.kind)

    @display(description="change")
    def change_told(self, event: ClusterEvent) -> str:
        return told(event)

    @display(description="who")
    def who(self, event: ClusterEvent) -> Any:
        return link(event.actor) if event.actor else "the service"
