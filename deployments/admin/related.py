"""The panels of a deployment's page: its runs, its story, what it waits for and what waits for it."""

from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest

from accounts.admin.display import link, list_of, moment
from accounts.admin.panels import NEWEST, Panel
from accounts.admin.scope import allowed, for_staff, scope
from deployments.admin import wording
from deployments.admin.logs import log_link
from deployments.admin.rights import READS_LOGS
from deployments.admin.story import sentence
from deployments.models import Deployment, DeploymentEvent, Run

MOST_DEPENDENCIES = 100
PREEMPTOR = {"preemptor_organization": F("preempted_by__organization_id")}
"""What `wording.cause` wants to know of a run."""


@for_staff
def runs(request: HttpRequest, deployment: Deployment) -> Panel:
    rows = deployment.runs.annotate(**PREEMPTOR).order_by("-id")[:NEWEST]
    reads_logs = allowed(READS_LOGS, request.user, deployment)
    return Panel(
        "Runs",
        ("Run", "Outcome", "Booked", "Running since", "Ended", "Exit code", "Cause", "Detail", ""),
        [
            (
                link(row, f"run {row.pk}"), wording.outcome(row), moment(row.booked_at), moment(row.running_at),
                moment(row.ended_at), "" if row.exit_code is None else row.exit_code, wording.cause(row), row.detail,
                log_link(row) if reads_logs else "",
            )
            for row in rows
        ],
        list_of(Run, deployment__id__exact=deployment.pk),
        "It has never been started.",
    )  # fmt: skip


@for_staff
def events(request: HttpRequest, deployment: Deployment) -> Panel:
    rows = deployment.events.select_related("actor").order_by("-id")[:NEWEST]
    return Panel(
        "Its story, the newest first",
        ("When", "What happened", "Run"),
        [(moment(row.at), sentence(row), wording.run_link(row.run_id)) for row in rows],
        list_of(DeploymentEvent, deployment__id__exact=deployment.pk),
    )


@for_staff
def dependencies(request: HttpRequest, deployment: Deployment) -> Panel:
    rows = scope(request, Deployment.objects.filter(dependent_rows__deployment=deployment))
    return _neighbours("Waits for", rows, "It waits for nobody.")


@for_staff
def dependents(request: HttpRequest, deployment: Deployment) -> Panel:
    rows = scope(request, Deployment.objects.filter(dependency_rows__depends_on=deployment))
    return _neighbours("Waiting for it", rows, "Nobody waits for it.")


def _neighbours(title: str, rows: QuerySet[Any], nothing: str) -> Panel:
    return Panel(
        title,
        ("Deployment", "Status", "Priority", "Reason", "Time"),
        [
            (
                link(row),
                wording.status(row.status),
                wording.priority(row.priority),
                wording.reason(row.reason),
                wording.since(row),
            )
            for row in rows.order_by("id")[:MOST_DEPENDENCIES]
        ],
        nothing=nothing,
    )
