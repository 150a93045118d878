"""Simulations in the console: what would other policies have done with a cluster's past?"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.admin.actions import RowAction
from accounts.admin.display import NOTHING, ago, badge, link, page_of
from accounts.admin.panels import Panel
from accounts.admin.row_pages import button
from accounts.admin.scope import for_staff, sees_all
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters.models import Cluster
from scheduling.core.policy import BALANCED, LEAST_WASTE, PRESETS
from scheduling.models import OPEN_SIMULATION, Simulation, SimulationState
from scheduling.simulation.tables import WAITS_TITLE
from scheduling.simulation_policies import OWN, own_policy
from scheduling.simulation_services import ask_simulation, give_up, give_up_silent

LOOK_AGAIN_SECONDS = 3
DAYS = 30
FEW = 5
"""Rows on a cluster's page."""
CHOSEN = [OWN, LEAST_WASTE.name, BALANCED.name]
"""What is ticked at first."""
COLOURS = {
    SimulationState.QUEUED: "grey",
    SimulationState.RUNNING: "blue",
    SimulationState.DONE: "green",
    SimulationState.FAILED: "red",
}


class SimulationForm(ServiceForm):
    renamed = {"texts": "policies"}
    policies = forms.MultipleChoiceField(
        choices=[(OWN, "what the cluster follows now"), *((name, name) for name in PRESETS)],
        initial=CHOSEN,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Compared with each other. `manage.py simulate` compares changed settings too.",
    )


@for_staff
def said(request: HttpRequest, simulation: Simulation) -> Panel:
    lines = (simulation.result or {}).get("said", [])
    return Panel("What was replayed", (), [(line,) for line in lines])


@for_staff
def by_policy(request: HttpRequest, simulation: Simulation) -> Panel:
    return _table("By policy", simulation, "by_policy")


@for_staff
def by_priority(request: HttpRequest, simulation: Simulation) -> Panel:
    return _table(WAITS_TITLE, simulation, "by_priority")


@for_staff
def use(request: HttpRequest, simulation: Simulation) -> Panel:
    return _picture("In use over time", simulation, "use")


@for_staff
def waiting(request: HttpRequest, simulation: Simulation) -> Panel:
    return _picture("Waiting over time", simulation, "waiting")


def _table(title: str, simulation: Simulation, name: str) -> Panel:
    headers, rows = (simulation.result or {}).get(name, ((), ()))
    return Panel(title, [header.replace("\n", " ") for header in headers], rows)


def _picture(title: str, simulation: Simulation, name: str) -> Panel:
    # Our own drawing, in which every word is escaped.
    drawn = SafeString((simulation.result or {}).get(name, ""))
    return Panel(title, (), [(drawn,)] if drawn else [])


@admin.register(Simulation)
class SimulationAdmin(ServiceAdmin):
    first_step = (
        "No simulation yet. Superusers ask for one here: what would other policies have done with a cluster?"
    )
    form = SimulationForm
    columns: ClassVar[list[Any]] = ["when", "cluster_link", "days", "compared", "state_badge", "who"]
    list_display_links = ("when",)
    list_filter = ("state",)
    list_select_related = ("cluster", "asked_by")
    search_fields = ("cluster__name",)
    autocomplete_fields = ("cluster",)
    readonly_fields = ("when", "cluster_link", "compared", "state_badge", "bar", "who", "error")
    row_actions = (
        RowAction(
            "give-up", "Give up", lambda actor, row: give_up(actor=actor, simulation_id=row.pk), "given up",
            icon="cancel", offered=lambda row: row.state in OPEN_SIMULATION,
        ),
    )  # fmt: skip
    panels = (by_policy, by_priority, use, waiting, said)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("cluster", "days", "policies")})]
        facts: list[Any] = [("when", "who"), ("cluster_link", "days"), "compared", ("state_badge", "bar")]
        return [(None, {"fields": [*facts, "error"] if obj.error else facts})]

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        page = request.resolver_match.url_name if request.resolver_match else ""
        # A result is large, and only its own page shows it.
        return rows if page and page.endswith("_change") else rows.defer("result")

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A past tells of all tenants.
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, actor: User, values: dict[str, Any]) -> Simulation:
        cluster_id, chosen = values["cluster"].pk, values.get("policies", CHOSEN)
        return ask_simulation(
            actor=actor,
            cluster_id=cluster_id,
            days=values.get("days", DAYS),
            texts=[own_policy(cluster_id) if name == OWN else name for name in chosen],
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"days": DAYS, **given}

    def response_add(
        self, request: HttpRequest, obj: Simulation, post_url_continue: Any = None
    ) -> HttpResponse:
        return HttpResponseRedirect(page_of(obj))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **options: Any
    ) -> HttpResponse:
        response = super().render_change_form(request, context, **options)
        row = options.get("obj")
        if row is not None and row.state != SimulationState.DONE:
            context["panels"] = []
            if row.state in OPEN_SIMULATION:
                response["Refresh"] = str(LOOK_AGAIN_SECONDS)
        return response

    def change_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        give_up_silent()
        response: HttpResponse = super().change_view(request, *args, **options)
        return response

    @display(description="asked", ordering="id")
    def when(self, row: Simulation) -> Any:
        return ago(row.asked_at)

    @display(description="by")
    def who(self, row: Simulation) -> Any:
        return link(row.asked_by)

    @display(description="cluster")
    def cluster_link(self, row: Simulation) -> Any:
        return link(row.cluster)

    @display(description="policies")
    def compared(self, row: Simulation) -> str:
        return _compared(row)

    @display(description="state", ordering="state")
    def state_badge(self, row: Simulation) -> Any:
        return badge(row.state, COLOURS[SimulationState(row.state)])

    @display(description="progress")
    def bar(self, row: Simulation) -> Any:
        if row.state not in OPEN_SIMULATION:
            return NOTHING
        return _progress(row)


def of_cluster(request: HttpRequest, cluster: Cluster) -> Panel:
    """What was simulated with this cluster's past."""
    rows = Simulation.objects.filter(cluster=cluster).select_related("asked_by").defer("result")[:FEW]
    return Panel(
        "Simulations: what would other policies have done?",
        ("Asked", "Range", "Policies", "State", "By"),
        [
            (
                link(row, ago(row.asked_at)), row.get_days_display(), _compared(row),
                _how_far(row), link(row.asked_by),
            )
            for row in rows
        ],
        _ask(cluster),
        "None yet.",
        "Simulate its last 7 days",
    )  # fmt: skip


def _compared(row: Simulation) -> str:
    return "; ".join(
        f"{text} (its own)" if text == own_policy(row.cluster_id) else text for text in row.policies
    )


def _how_far(row: Simulation) -> Any:
    if row.state == SimulationState.RUNNING:
        return _progress(row)
    return badge(row.state, COLOURS[SimulationState(row.state)])


def _progress(row: Simulation) -> SafeString:
    return format_html(
        '<div class="console-bar"><span>{} % of the jobs ended</span>'
        '<i><b style="width:{}%"></b></i></div>', row.progress, row.progress,
    )  # fmt: skip


def _ask(cluster: Cluster) -> str:
    return reverse("admin:scheduling_simulation_add", query={"cluster": cluster.pk, "days": 7})


def simulate_button(request: HttpRequest, cluster: Cluster) -> dict[str, Any] | None:
    """The way to ask for one; none for a deleted cluster, nor for who may not ask."""
    if cluster.deleted_at or not sees_all(request.user):
        return None
    return button("Simulate", "query_stats", _ask(cluster))
