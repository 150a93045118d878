"""Runs, what they hold, and the events of all deployments: to read, never to edit."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import ago, link, moment, span
from accounts.admin.filters import RowFilter
from accounts.admin.panels import Panel
from accounts.admin.scope import allowed, for_staff
from clusters.admin.capacity import amount_in_words
from clusters.amounts import RESOURCES, Amount
from deployments.admin import wording
from deployments.admin.logs import log_button, log_urls
from deployments.admin.related import PREEMPTOR
from deployments.admin.rights import READS_LOGS, may_read_env
from deployments.models import Allocation, DeploymentEvent, Run

NOT_IN_SPEC = frozenset({"secret_env", *(f"required_{resource}" for resource in RESOURCES)})
"""Secrets are never shown, and amounts are shown in words, as what the run holds."""


def held(allocation: Allocation) -> str:
    return amount_in_words(Amount(allocation.gpu, allocation.cpu, allocation.ram))


@for_staff
def allocations(request: HttpRequest, run: Run) -> Panel:
    return Panel(
        "Allocations",
        ("Index", "Cluster", "Holds", "Devices", "Released"),
        [
            (
                row.index,
                link(row.cluster),
                held(row),
                ", ".join(map(str, row.device_ids)),
                moment(row.released_at),
            )
            for row in run.allocations.select_related("cluster").order_by("index")
        ],
    )


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    first_step = (
        "Nothing ran yet. A run is made when a deployment gets its room: submit one with POST /deployments."
    )
    list_display = (
        "number",
        "deployment_link",
        "cluster_link",
        "ended_how",
        "urgency",
        "booked",
        "lasted",
        "exit_code",
        "cause",
    )
    list_display_links = ("number",)
    list_filter = (
        "outcome", "stop_cause", "priority", ("cluster", RowFilter),
        ("deployment", RowFilter), ("booked_at", RangeDateTimeFilter),
    )  # fmt: skip
    list_select_related = ("deployment", "cluster")
    ordering = ("-booked_at", "-id")
    newest_first = "-booked_at"
    search_fields = ("^deployment__name", "id", "deployment__id")
    search_help_text = "Beginning of the deployment's name, its id, or the run's"
    fields = (
        ("deployment_link", "cluster_link", "ended_how", "urgency"),
        ("booked_at", "running_at", "checkpointed_at", "ended_at", "lasted"),
        ("stop_requested_at", "stop_signalled_at", "cause", "exit_code"),
        "detail",
        "started_with",
    )
    readonly_fields = (
        "deployment_link",
        "cluster_link",
        "ended_how",
        "urgency",
        "lasted",
        "cause",
        "started_with",
    )
    panels = [allocations]
    annotations = PREEMPTOR

    def get_urls(self) -> list[URLPattern]:
        return [*log_urls(self), *super().get_urls()]

    def extra_buttons(self, request: HttpRequest, row: Run) -> list[dict[str, Any]]:
        return [log_button(row)] if allowed(READS_LOGS, request.user, row) else []

    @display(description="run", ordering="booked_at")
    def number(self, run: Run) -> str:
        return f"run {run.pk}"

    @display(description="deployment")
    def deployment_link(self, run: Run) -> Any:
        return link(run.deployment)

    @display(description="cluster")
    def cluster_link(self, run: Run) -> Any:
        return link(run.cluster)

    @display(description="outcome", ordering="outcome")
    def ended_how(self, run: Run) -> Any:
        return wording.outcome(run)

    @display(description="priority", ordering="priority")
    def urgency(self, run: Run) -> Any:
        return wording.priority(run.priority)

    @display(description="booked", ordering="booked_at")
    def booked(self, run: Run) -> Any:
        return ago(run.booked_at)

    @display(description="held for")
    def lasted(self, run: Run) -> str:
        return span((run.ended_at or timezone.now()) - run.booked_at)

    @display(description="told to stop by")
    def cause(self, run: Run) -> Any:
        return wording.cause(run)

    @display(description="started with")
    def started_with(self, run: Run) -> Any:
        hidden = NOT_IN_SPEC if may_read_env(run) else NOT_IN_SPEC | {"env"}
        spec = {
            name: value
            for name, value in run.spec.items()
            if name not in hidden and value not in ("", [], {}, None)
        }
        return format_html('<pre class="console-text">{}</pre>', json.dumps(spec, indent=2, sort_keys=True))


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    first_step = (
        "Nothing was held yet. Submit a deployment with POST /deployments: its run holds what it asks for."
    )
    list_display = ("number", "deployment_link", "run_link", "cluster_link", "holds", "released")
    list_display_links = ("number",)
    list_filter = (("cluster", RowFilter), ("released_at", admin.EmptyFieldListFilter))
    list_select_related = ("run__deployment", "cluster")
    search_fields = ("^run__deployment__name", "run__id")
    search_help_text = "Beginning of the deployment's name, or the run's id"
    ordering = ("-id",)
    fields = (
        "deployment_link",
        "run_link",
        "index",
        "cluster_link",
        "holds",
        "device_ids",
        "handle",
        "released_at",
    )
    readonly_fields = ("deployment_link", "run_link", "cluster_link", "holds")

    @display(description="allocation", ordering="id")
    def number(self, allocation: Allocation) -> str:
        return f"#{allocation.pk}"

    @display(description="deployment")
    def deployment_link(self, allocation: Allocation) -> Any:
        return link(allocation.run.deployment)

    @display(description="run")
    def run_link(self, allocation: Allocation) -> Any:
        return link(allocation.run, f"run {allocation.run_id}")

    @display(description="cluster")
    def cluster_link(self, allocation: Allocation) -> Any:
        return link(allocation.cluster)

    @display(description="holds", ordering="gpu")
    def holds(self, allocation: Allocation) -> str:
        return held(allocation)

    @display(description="released", ordering="released_at")
    def released(self, allocation: Allocation) -> Any:
        return ago(allocation.released_at) if allocation.released_at else "still held"


@admin.register(DeploymentEvent)
class DeploymentEventAdmin(ReadOnlyAdmin):
    first_step = "Nothing happened to a deployment yet. Submit one with POST /deployments (see /docs)."
    list_display = ("when", "deployment_link", "what", "by", "run_link")
    list_display_links = ("when",)
    list_filter = (
        "source", ("deployment", RowFilter), ("at", RangeDateTimeFilter),
    )  # fmt: skip
    list_select_related = ("deployment", "actor")
    ordering = ("-at", "-id")
    newest_first = "-at"
    search_fields = ("^deployment__name", "deployment__id", "^actor__username")
    search_help_text = "Beginning of the deployment's name, its id, or beginning of a username"
    fields = (("when", "deployment_link", "run_link"), ("what", "by"), "data")
    readonly_fields = ("when", "deployment_link", "run_link", "what", "by")

    @display(description="when", ordering="at")
    def when(self, event: DeploymentEvent) -> Any:
        return moment(event.at)

    @display(description="deployment")
    def deployment_link(self, event: DeploymentEvent) -> Any:
        return link(event.deployment)

    @display(description="what", ordering="kind")
    def what(self, event: DeploymentEvent) -> Any:
        return wording.told(event)

    @display(description="by", ordering="source")
    def by(self, event: DeploymentEvent) -> str:
        return wording.actor(event)

    @display(description="run")
    def run_link(self, event: DeploymentEvent) -> Any:
        return wording.run_link(event.run_id)
