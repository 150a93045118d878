"""What would start a deployment: worked out on request, on a page beside the deployment's own."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from accounts.admin.actions import RowAction
from accounts.admin.display import NOTHING, link_to, moment, page
from accounts.admin.panels import Panel
from accounts.admin.row_pages import RowPage, context_of
from accounts.admin.scope import for_staff, sees_all
from accounts.errors import NotFound
from accounts.models import User
from clusters.amounts import UNITS
from deployments.admin import wording
from deployments.admin.deployment import DeploymentAdmin
from deployments.admin.rights import CHANGES
from deployments.models import Deployment, Priority
from deployments.states import Status
from scheduling.explanation_answer import answer
from scheduling.explanations import explained
from scheduling.services import start_deployment

EFFECTS = {"seat": "promised room"}
"""What the planner calls otherwise than the console does."""


@for_staff
def show(model_admin: Any, request: HttpRequest, deployment: Deployment) -> HttpResponse:
    """The summary, the forecast, and every change that the planner tried and found good."""
    actor: Any = request.user
    try:
        found = explained(user=actor, deployment_id=deployment.pk, for_platform=sees_all(actor))
        told = answer(found, timezone.now())
    except NotFound:
        told = {"summary": "It was deleted; only its history is left.", "suggestions": []}
    context = context_of(model_admin, request, deployment, f"What would start {deployment}") | {
        "told": told,
        "panels": [panel for panel in (_suggestions(told), _start(told), _holders(told)) if panel],
    }
    return TemplateResponse(request, "console/explanation.html", context)


def _suggestions(told: dict[str, Any]) -> Panel | None:
    if told.get("status") != Status.PENDING:
        return None
    return Panel(
        "What would let it start",
        ("Change", "Effect", "Evicts"),
        [
            (one["text"], EFFECTS.get(one["effect"], one["effect"]), _evicted(one["evicts"]))
            for one in told["suggestions"]
        ],
        nothing="No single change that was tried would start it in the next cycle.",
    )


def _evicted(rows: list[dict[str, Any]]) -> SafeString | str:
    named = ((_called(row), Priority(row["priority"]).label) for row in rows)
    return format_html_join(", ", "{} ({})", named) or "nobody"


def _start(told: dict[str, Any]) -> Panel | None:
    start = told.get("start")
    if not start:
        return None
    return Panel(
        "When it is likely to start",
        ("Earliest", "Likely", "Latest", "This assumes"),
        [(*(moment(start[name]) for name in ("earliest", "likely", "latest")), start["text"])],
    )


def _holders(told: dict[str, Any]) -> Panel | None:
    rows = told.get("holders") or []
    if not rows:
        return None
    return Panel(
        "Who holds the room",
        ("Deployment", "Priority", "Holds", ""),
        [
            (_called(row), wording.priority(row["priority"]), _amount(row),
             "stopping" if row["stopping"] else "promised" if row["promised"] else "")
            for row in rows
        ],
    )  # fmt: skip


def _called(row: dict[str, Any]) -> SafeString | str:
    """By name, or of another tenant's work nothing but that it is one."""
    if not row["deployment_id"]:
        return "another organization's"
    return link_to(page(Deployment, row["deployment_id"]), f"{row['name']} (#{row['deployment_id']})")


def _amount(row: dict[str, Any]) -> str:
    parts = [f"{row[f'required_{name}']:g} {UNITS[name]}" for name in UNITS if row[f"required_{name}"]]
    return " · ".join(parts) or NOTHING


def start(actor: User, deployment: Deployment) -> str | None:
    """One cycle of its cluster now. Never ahead of the queue."""
    start_deployment(actor=actor, deployment_id=deployment.pk)
    deployment.refresh_from_db(fields=["status"])
    return "it waits on; its page tells why" if deployment.status == Status.PENDING else None


DeploymentAdmin.row_pages.append(
    RowPage(
        "explain", "What would start it", show, icon="lightbulb",
        offered=lambda row: row.status == Status.PENDING and not row.deleted_at,
    )
)  # fmt: skip
DeploymentAdmin.row_actions.append(
    RowAction(
        "start", "Start now if it may", start, "looked at by a cycle", asks="Run a cycle now for",
        icon="play_arrow", variant=ActionVariant.DEFAULT, right=CHANGES,
        offered=lambda row: row.status == Status.PENDING and not row.deleted_at,
    )
)  # fmt: skip
