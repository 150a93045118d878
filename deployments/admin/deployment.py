"""Deployments in the console: what they ask for, what became of it, and what an operator may do about it."""

import json
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts.admin.actions import RowAction
from accounts.admin.base import DeletedFilter
from accounts.admin.display import NOTHING, link, moment, span, stacked
from accounts.admin.filters import RowFilter
from accounts.admin.panels import PanelMaker
from accounts.admin.row_pages import RowPage
from accounts.admin.scope import Right, allowed
from accounts.admin.serviced import ServiceAdmin
from accounts.models import User
from clusters.admin.capacity import amount_in_words
from deployments.admin import related, wording
from deployments.admin.graph import graph
from deployments.admin.logs import log_button
from deployments.admin.rights import CHANGES, READS_LOGS, may_read_env
from deployments.admin.waiting import waits
from deployments.models import Deployment
from deployments.services import steer
from deployments.services.change import change_deployment
from deployments.services.checkpoints import report_checkpoint
from deployments.states import CANCELLABLE, FINAL, HOLDS_CAPACITY, Status


def stop(actor: User, deployment: Deployment) -> None:
    steer.stop_deployment(actor=actor, deployment_id=deployment.pk)


def cancel(actor: User, deployment: Deployment) -> None:
    steer.cancel_deployment(actor=actor, deployment_id=deployment.pk)


def requeue(actor: User, deployment: Deployment) -> None:
    steer.requeue_deployment(actor=actor, deployment_id=deployment.pk)


def checkpoint(actor: User, deployment: Deployment) -> None:
    report_checkpoint(actor=actor, deployment_id=deployment.pk)


class ReasonFilter(admin.SimpleListFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(wording.REASONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        # Each group has an index of its own.
        groups = (Q(status=Status.PENDING), Q(status__in=sorted(HOLDS_CAPACITY)), Q(status__in=sorted(FINAL)))
        return queryset.filter(reduce(or_, (group & Q(reason=self.value()) for group in groups)))


@admin.register(Deployment)
class DeploymentAdmin(ServiceAdmin):
    first_step = (
        "No deployment yet. Submit one with POST /deployments (see /docs); it needs a cluster to run on."
    )
    columns: ClassVar[list[Any]] = [
        "title", "state", "urgency", "place", "who", "needs", "why", "time_and_age",
    ]  # fmt: skip
    row_pages: ClassVar[list[RowPage]] = []
    panels: ClassVar[list[PanelMaker]] = [
        waits,
        graph,
        related.runs,
        related.events,
        related.dependencies,
        related.dependents,
    ]
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            "stop", "Stop", stop, "told to stop", icon="stop_circle", variant=ActionVariant.DANGER,
            warning="What runs is told to end, and killed after its grace period. It does not come back to the queue.",
            offered=lambda row: row.status in HOLDS_CAPACITY, right=CHANGES,
        ),
        RowAction(
            "cancel", "Cancel", cancel, "cancelled", icon="cancel", variant=ActionVariant.DANGER,
            warning="It leaves the queue. What waits for it is held until it completes.",
            offered=lambda row: row.status in CANCELLABLE and not row.deleted_at, right=CHANGES,
        ),
        RowAction(
            "checkpoint", "Its work is saved", checkpoint, "noted as saved now", icon="save", right=CHANGES,
            asks="Note that all work is saved now of",
            offered=lambda row: row.status in HOLDS_CAPACITY,
        ),
        RowAction(
            "requeue", "Queue anew", requeue, "queued anew", icon="replay",
            offered=lambda row: row.status in FINAL and not row.deleted_at, right=CHANGES,
        ),
    ]  # fmt: skip
    rights: ClassVar[dict[str, Right]] = {"change": CHANGES, "delete": CHANGES}
    list_display_links = ("title",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("priority", ChoicesCheckboxFilter),
        ("cluster", RowFilter),
        ("organization", RowFilter),
        ReasonFilter,
        DeletedFilter,
    )
    list_select_related = ("organization", "cluster", "created_by")
    search_fields = ("^name", "docker_image__startswith", "id")
    search_help_text = "Beginning of the name or of the image, or id"
    ordering = ("-id",)
    readonly_fields = (
        "state", "why", "time", "seat", "organization_link", "cluster_link", "who", "docker_image", "needs", "command",
        "args", "environment", "secrets_set", "working_dir", "image_pull_policy", "restart_policy", "max_retries",
        "time_limit_seconds", "grace_period_seconds", "expected_seconds", "simulated_seconds", "labels", "ports",
        "checkpoint_interval_seconds", "pulled_with", "created", "queued", "started", "ended", "deleted", "exit_code",
        "preemption_count", "retries_used", "lost_count",
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        dates = ("created", "queued", "started", "ended", *(("deleted",) if obj.deleted_at else ()))
        return [
            (None, {"fields": (("name", "priority"), ("state", "why", "time", "seat"),
                               ("organization_link", "cluster_link", "who"), ("docker_image", "needs"))}),
            ("So far", {"fields": (dates, ("exit_code", "preemption_count", "retries_used", "lost_count"))}),
            ("Specification", {"classes": ("collapse",), "fields": (
                ("command", "args", "working_dir"), ("environment", "secrets_set"),
                ("restart_policy", "max_retries"), ("image_pull_policy", "pulled_with"),
                ("time_limit_seconds", "grace_period_seconds", "expected_seconds", "checkpoint_interval_seconds",
                 "simulated_seconds"),
                ("labels", "ports"))}),
        ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.status not in FINAL)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or obj.status not in HOLDS_CAPACITY
        )

    def live(self, row: Deployment) -> str:
        return f"?deployment={row.pk}"

    def extra_buttons(self, request: HttpRequest, row: Deployment) -> list[dict[str, Any]]:
        if not allowed(READS_LOGS, request.user, row):
            return []
        newest = row.runs.order_by("-id").first()
        return [log_button(newest)] if newest else []

    @display(description="name", ordering="name")
    def title(self, deployment: Deployment) -> Any:
        return stacked(deployment.name, f"#{deployment.pk}")

    @display(description="status", ordering="status")
    def state(self, deployment: Deployment) -> Any:
        return wording.status(deployment.status)

    @display(description="priority", ordering="priority")
    def urgency(self, deployment: Deployment) -> Any:
        return wording.priority(deployment.priority)

    @display(description="cluster", ordering="cluster__name")
    def place(self, deployment: Deployment) -> Any:
        return stacked(link(deployment.cluster), link(deployment.organization))

    @display(description="organization")
    def organization_link(self, deployment: Deployment) -> Any:
        return link(deployment.organization)

    @display(description="cluster")
    def cluster_link(self, deployment: Deployment) -> Any:
        return link(deployment.cluster)

    @display(description="who", ordering="created_by__username")
    def who(self, deployment: Deployment) -> Any:
        return link(deployment.created_by)

    @display(description="needs", ordering="required_gpu")
    def needs(self, deployment: Deployment) -> str:
        return amount_in_words(deployment.required)

    @display(description="reason", ordering="reason")
    def why(self, deployment: Deployment) -> str:
        return wording.reason(deployment.reason) or NOTHING

    @display(description="time")
    def time(self, deployment: Deployment) -> str:
        return wording.since(deployment)

    @display(description="time", ordering="id")
    def time_and_age(self, deployment: Deployment) -> Any:
        age = span(timezone.now() - deployment.created_at, units=1)
        return stacked(wording.since(deployment), f"submitted {age} ago")

    @display(description="room promised since")
    def seat(self, deployment: Deployment) -> Any:
        return moment(deployment.seat_granted_at)

    @display(description="environment")
    def environment(self, deployment: Deployment) -> Any:
        """The values too, to who may read them."""
        if may_read_env(deployment):
            return (
                format_html("<pre>{}</pre>", json.dumps(deployment.env, indent=2))
                if deployment.env
                else NOTHING
            )
        return ", ".join(f"{name} (set, hidden)" for name in deployment.env) or NOTHING

    @display(description="secret environment")
    def secrets_set(self, deployment: Deployment) -> str:
        return ", ".join(f"{name} (set, hidden)" for name in deployment.secret_env_names) or NOTHING

    @display(description="registry credential")
    def pulled_with(self, deployment: Deployment) -> Any:
        return link(deployment.registry_credential)

    @display(description="submitted")
    def created(self, deployment: Deployment) -> Any:
        return moment(deployment.created_at)

    @display(description="queued")
    def queued(self, deployment: Deployment) -> Any:
        return moment(deployment.queued_at)

    @display(description="started")
    def started(self, deployment: Deployment) -> Any:
        return moment(deployment.started_at)

    @display(description="ended")
    def ended(self, deployment: Deployment) -> Any:
        return moment(deployment.ended_at)

    @display(description="deleted")
    def deleted(self, deployment: Deployment) -> Any:
        return moment(deployment.deleted_at)

    def change(self, actor: User, obj: Deployment, values: dict[str, Any]) -> None:
        stored = Deployment.objects.get(pk=obj.pk)
        change_deployment(actor=actor, deployment=stored, changes=values)

    def delete(self, actor: User, obj: Deployment) -> None:
        steer.delete_deployment(actor=actor, deployment_id=obj.pk)
