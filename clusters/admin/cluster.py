"""Clusters in the console: capacity, state, pause."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.admin.actions import RowAction
from accounts.admin.base import DeletedFilter
from accounts.admin.display import ago, badge, link, moment
from accounts.admin.panels import PanelMaker
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters import services
from clusters.admin import history
from clusters.admin.capacity import AmountField, bars, cluster_bar
from clusters.models import Cluster, ClusterState

STATE_COLOURS = {
    ClusterState.READY: "green",
    ClusterState.PAUSED: "amber",
    ClusterState.OVERCOMMITTED: "violet",
    ClusterState.UNREACHABLE: "red",
}
OVERCOMMITTED = (
    Q(allocated_gpu__gt=F("total_gpu"))
    | Q(allocated_cpu__gt=F("total_cpu"))
    | Q(allocated_ram__gt=F("total_ram"))
)
IN_STATE: dict[str, Q] = {
    ClusterState.UNREACHABLE: Q(unreachable_since__isnull=False),
    ClusterState.PAUSED: Q(unreachable_since=None, paused=True),
    ClusterState.OVERCOMMITTED: Q(unreachable_since=None, paused=False) & OVERCOMMITTED,
    ClusterState.READY: Q(unreachable_since=None, paused=False) & ~OVERCOMMITTED,
}


def set_paused(*, paused: bool) -> Any:
    def act(actor: User, cluster: Cluster) -> None:
        services.change_cluster(actor=actor, cluster_id=cluster.pk, changes={"paused": paused})

    return act


@display(description="state")
def state(cluster: Cluster) -> Any:
    if cluster.deleted_at:
        return badge("deleted", "grey")
    return badge(cluster.state.value, STATE_COLOURS[cluster.state])


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, state.value) for state in ClusterState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(IN_STATE.get(self.value() or "", Q()))


class ClusterForm(ServiceForm):
    total_gpu = AmountField("gpu")
    total_cpu = AmountField("cpu")
    total_ram = AmountField("ram")


@admin.register(Cluster)
class ClusterAdmin(ServiceAdmin):
    form = ClusterForm
    columns: ClassVar[list[Any]] = ["name", "organization_link", state, "gpu", "cpu", "ram"]
    annotations: ClassVar[dict[str, Any]] = {}
    panels: ClassVar[list[PanelMaker]] = [history.events]
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            "pause", "Pause", set_paused(paused=True), "paused: nothing starts there, what runs goes on", icon="pause",
            offered=lambda cluster: not cluster.paused and not cluster.deleted_at,
        ),
        RowAction(
            "resume", "Resume", set_paused(paused=False), "resumed", icon="play_arrow",
            offered=lambda cluster: cluster.paused and not cluster.deleted_at,
        ),
    ]  # fmt: skip
    list_filter = (StateFilter, ("organization", AutocompleteSelectFilter), DeletedFilter)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "id")
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    readonly_fields = (
        "organization_link", state, "capacity", "runtime", "engine_id", "unreachable", "missed_observations",
        "created", "deleted",
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        totals = ("total_gpu", "total_cpu", "total_ram")
        settings = ("paused", "max_grace_period_seconds")
        if obj is None:
            return [
                (None, {"fields": ("organization", "name")}),
                ("Capacity", {"fields": (totals,)}),
                ("Scheduling", {"fields": (settings,)}),
            ]
        dates = ("created", "deleted") if obj.deleted_at else ("created",)
        return [
            (None, {"fields": (("name", "organization_link", state), "capacity")}),
            ("Capacity", {"fields": (totals,)}),
            ("Scheduling", {"fields": (settings,)}),
            ("Engine", {"fields": (("runtime", "engine_id"), ("unreachable", "missed_observations"), dates)}),
        ]

    @display(description="organization", ordering="organization__name")
    def organization_link(self, cluster: Cluster) -> Any:
        return link(cluster.organization)

    @display(description="GPU", ordering="total_gpu")
    def gpu(self, cluster: Cluster) -> Any:
        return cluster_bar(cluster, "gpu")

    @display(description="CPU", ordering="total_cpu")
    def cpu(self, cluster: Cluster) -> Any:
        return cluster_bar(cluster, "cpu")

    @display(description="RAM", ordering="total_ram")
    def ram(self, cluster: Cluster) -> Any:
        return cluster_bar(cluster, "ram")

    @display(description="in use")
    def capacity(self, cluster: Cluster) -> Any:
        return bars(cluster)

    @display(description="unreachable since")
    def unreachable(self, cluster: Cluster) -> Any:
        return moment(cluster.unreachable_since)

    @display(description="created", ordering="created_at")
    def created(self, cluster: Cluster) -> Any:
        return ago(cluster.created_at)

    @display(description="deleted")
    def deleted(self, cluster: Cluster) -> Any:
        return moment(cluster.deleted_at)

    def create(self, actor: User, values: dict[str, Any]) -> Cluster:
        organization = values.pop("organization")
        return services.create_cluster(actor=actor, organization_id=organization.pk, **values)

    def change(self, actor: User, obj: Cluster, values: dict[str, Any]) -> None:
        services.change_cluster(actor=actor, cluster_id=obj.pk, changes=values)

    def delete(self, actor: User, obj: Cluster) -> None:
        services.delete_cluster(actor=actor, cluster_id=obj.pk)
