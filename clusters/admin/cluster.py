"""Clusters in the console: capacity, state, pause."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from accounts.admin.actions import RowAction
from accounts.admin.base import ButtonMaker, DeletedFilter
from accounts.admin.display import ago, badge, moment
from accounts.admin.filters import RowFilter
from accounts.admin.panels import PanelMaker
from accounts.admin.row_pages import RowPage
from accounts.admin.scope import Right
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters import services
from clusters.admin import engine, history, sharing
from clusters.admin.capacity import AmountField, bars, cluster_bar
from clusters.models import Cluster, ClusterState, Runtime
from organizations.admin.rights import RoleRight, require_in, tenant
from organizations.permissions import Action

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


MANAGES = RoleRight(Action.MANAGE_CLUSTERS)


def is_guest(cluster: Cluster) -> bool:
    """Whether it was read for somebody of an organization that it is only shared with."""
    return getattr(cluster, "my_role", None) == ""


def set_paused(*, paused: bool) -> Any:
    def act(actor: User, cluster: Cluster) -> None:
        services.change_cluster(actor=actor, cluster_id=cluster.pk, changes={"paused": paused})

    return act


@display(description="state")
def state(cluster: Cluster) -> Any:
    if cluster.deleted_at:
        return badge("deleted", "grey")
    if cluster.declared_lost_at:
        return badge("declared lost", "red")
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
    renamed = {"connection": "new_connection"}
    new_connection = engine.ConnectionField()


def as_asked(values: dict[str, Any]) -> dict[str, Any]:
    """The form's values by the service's names; the model's own `connection` is no field of a form."""
    return {"connection" if field == "new_connection" else field: value for field, value in values.items()}


@admin.register(Cluster)
class ClusterAdmin(ServiceAdmin):
    first_step = (
        "No cluster yet. Add one here: a simulated one needs no engine, a Docker or Kubernetes one its "
        "connection."
    )
    form = ClusterForm
    columns: ClassVar[list[Any]] = ["name", "organization_link", state, "gpu", "cpu", "ram"]
    annotations: ClassVar[dict[str, Any]] = {}
    panels: ClassVar[list[PanelMaker]] = [history.events, sharing.shares]
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            "pause", "Pause", set_paused(paused=True), "paused: nothing starts there, what runs goes on", icon="pause",
            offered=lambda cluster: not cluster.paused and not cluster.deleted_at, right=MANAGES,
        ),
        RowAction(
            "resume", "Resume", set_paused(paused=False), "resumed", icon="play_arrow",
            offered=lambda cluster: cluster.paused and not cluster.deleted_at, right=MANAGES,
        ),
        RowAction("check", "Check now", engine.check, "checked", icon="network_check", right=MANAGES),
    ]  # fmt: skip
    rights: ClassVar[dict[str, Right]] = dict.fromkeys(("add", "change", "delete"), MANAGES)
    row_pages: ClassVar[list[RowPage]] = []
    ways: ClassVar[list[ButtonMaker]] = []
    list_filter = (StateFilter, ("organization", RowFilter), DeletedFilter)
    list_select_related: ClassVar[tuple[str, ...]] = ("organization",)
    search_fields = ("name", "organization__name", "id")
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    readonly_fields = (
        "organization_link", state, "capacity", "engine_id", "unreachable", "missed_observations", "declared_lost",
        "created", "deleted", *engine.FIELDS,
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "runtime") if obj else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        totals = ("total_gpu", "total_cpu", "total_ram")
        settings = ("paused", "max_grace_period_seconds")
        if obj is None:
            return [
                (None, {"fields": (("organization", "name"),)}),
                ("Engine", {"fields": ("runtime", "new_connection")}),
                ("Capacity", {"fields": (totals,)}),
                ("Scheduling", {"fields": (settings,)}),
            ]
        head = (None, {"fields": (("name", "organization_link", state), "capacity")})
        if is_guest(obj):
            return [head, ("Scheduling", {"fields": (settings,)})]
        # What is changed seldom stays folded up: what goes on here is what one comes for.
        seldom: tuple[Any, ...] = (settings,)
        if self.has_change_permission(request, obj):
            seldom = (totals, settings) if obj.deleted_at else (totals, settings, "new_connection")
        dates = ("created", "deleted") if obj.deleted_at else ("created",)
        return [
            head,
            ("Engine", {"fields": self._of_engine(obj)}),
            ("Capacity, pause and connection", {"classes": ("collapse",), "fields": seldom}),
            ("Record", {"classes": ("collapse",), "fields": (("engine_id", *dates),)}),
        ]

    def _of_engine(self, cluster: Cluster) -> list[Any]:
        rows: list[Any] = [("runtime", engine.answering, engine.checked)]
        if cluster.runtime != Runtime.SIMULATED:
            rows.append((engine.endpoint, engine.version))
        if cluster.engine_problem:
            rows.append(engine.problem)
        if cluster.unreachable_since:
            rows.append(("unreachable", "missed_observations", "declared_lost"))
        if cluster.engine_facts.get("version"):
            rows += [engine.has, engine.tells]
        if cluster.engine_facts.get("warnings"):
            rows.append(engine.warnings)
        return rows

    def live(self, row: Cluster) -> str:
        return f"?cluster={row.pk}"

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        response = super().changeform_view(request, *args, **options)
        # After the transaction: an engine that is slow must not hold a lock.
        if written := getattr(request, "written", None):
            engine.check_written(request, *written)
        return response

    @display(description="organization", ordering="organization__name")
    def organization_link(self, cluster: Cluster) -> Any:
        return tenant(cluster.organization)

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

    @display(description="declared lost")
    def declared_lost(self, cluster: Cluster) -> Any:
        return moment(cluster.declared_lost_at)

    @display(description="created", ordering="created_at")
    def created(self, cluster: Cluster) -> Any:
        return ago(cluster.created_at)

    @display(description="deleted")
    def deleted(self, cluster: Cluster) -> Any:
        return moment(cluster.deleted_at)

    def create(self, actor: User, values: dict[str, Any]) -> Cluster:
        organization = values.pop("organization")
        require_in(actor, organization, Action.MANAGE_CLUSTERS)
        return services.create_cluster(actor=actor, organization_id=organization.pk, **as_asked(values))

    def change(self, actor: User, obj: Cluster, values: dict[str, Any]) -> None:
        services.change_cluster(actor=actor, cluster_id=obj.pk, changes=as_asked(values))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        values = {field: form.cleaned_data[field] for field in form.changed_data}
        request.written = (Cluster.objects.get(pk=obj.pk), as_asked(values))  # type: ignore[attr-defined]

    def delete(self, actor: User, obj: Cluster) -> None:
        services.delete_cluster(actor=actor, cluster_id=obj.pk)
