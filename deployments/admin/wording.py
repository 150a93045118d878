"""States, priorities, reasons and events of deployments as the console says them."""

from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.audit import writers
from accounts.admin.display import FIXED_SPACE, NOTHING, badge, changes, link_to, page, span, words
from clusters.admin.capacity import quantity
from clusters.amounts import RESOURCES
from deployments.admin.rights import is_mine
from deployments.models import Deployment, DeploymentEvent, Outcome, Priority, Run, Source
from deployments.states import FINAL, Status

STATUS_COLOURS = {
    Status.PENDING: "amber",
    Status.STARTING: "blue",
    Status.RUNNING: "blue",
    Status.STOPPING: "violet",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "grey",
}
PRIORITY_COLOURS = {Priority.LOW: "grey", Priority.MEDIUM: "blue", Priority.HIGH: "red"}
OUTCOME_COLOURS = {
    Outcome.COMPLETED: "green",
    Outcome.FAILED: "red",
    Outcome.STOPPED: "grey",
    Outcome.PREEMPTED: "violet",
    Outcome.LOST: "amber",
}
REASONS = {
    "waiting_for_dependencies": "Waits for others to complete",
    "dependency_failed": "One that it waits for failed or was cancelled",
    "waiting_for_retry": "Waits before its next try",
    "cluster_paused": "The cluster is paused",
    "cluster_unreachable": "The cluster's engine does not answer",
    "cluster_overcommitted": "The cluster shrank below what it holds",
    "exceeds_cluster": "Asks for more than the whole cluster has",
    "insufficient_capacity": "Waits for room",
    "reserved_for_others": "The room is promised to others",
    "waiting_for_eviction": "Has a seat; waits for others to go",
    "exited_with_error": "Exited with an error",
    "time_limit": "Ran into its time limit",
    "stopped_as_failed": "Stopped by a user, as failed",
    "start_refused": "The engine refused to start it",
    "start_timeout": "The engine did not bring it up in time",
    "lost": "The engine lost it too often",
    "out_of_memory": "Ran out of memory",
    "image_not_found": "Its image was not found",
    "image_pull_denied": "Its image may not be pulled",
    "image_pull_failed": "Its image could not be pulled",
    "engine_full": "The engine had no room for it",
    "evicted": "Evicted by its engine",
}
EVENTS = {
    "submitted": "Submitted",
    "changed": "Changed",
    "scheduled": "Given its room; starting",
    "image_pulling": "Pulling its image",
    "image_pulled": "Has its image",
    "start_delayed": "Does not run yet",
    "running": "Running",
    "orphan_removed": "A container of it that nobody owned was removed",
    "preempted": "Told to make room",
    "seat_granted": "Given a seat: room is promised to it",
    "seat_dropped": "Lost its seat",
    "stop_requested": "Told to stop",
    "time_limit_reached": "Reached its time limit; told to stop",
    "requeued_after_preemption": "Made room; back in the queue",
    "requeued_after_loss": "Lost by the engine; back in the queue",
    "retrying": "Ended; will be tried again",
    "requeued": "Queued anew",
    "cancelled": "Cancelled",
    "deleted": "Deleted",
}


def status(value: str) -> SafeString:
    return badge(value, STATUS_COLOURS[Status(value)])


def priority(value: int) -> SafeString:
    return badge(Priority(value).label, PRIORITY_COLOURS[Priority(value)])


def outcome(run: Run) -> SafeString:
    """How a run ended, or that it has not."""
    return badge(run.outcome, OUTCOME_COLOURS[Outcome(run.outcome)]) if run.outcome else badge("live", "blue")


def reason(code: str | None) -> str:
    """Why it waits, or why it failed."""
    return REASONS.get(code, words(code)) if code else ""


def since(deployment: Deployment) -> str:
    """What it has been doing, and for how long: "queued 3 min ago", "took 2 h"."""
    now = timezone.now()
    if deployment.status in FINAL:
        began, ended = deployment.started_at, deployment.ended_at
        return (
            f"took{FIXED_SPACE}{span(ended - began)}"
            if began and ended and ended > began
            else "never started"
        )
    if deployment.status == Status.PENDING:
        # Not "waiting": one that was preempted keeps its place in the queue, and ran meanwhile.
        return f"queued{FIXED_SPACE}{span(now - deployment.queued_at)}{FIXED_SPACE}ago"
    return f"running{FIXED_SPACE}{span(now - (deployment.started_at or now))}"


def cause(run: Run) -> SafeString | str:
    """Who or what told a run to stop, or why it failed; the preemptor as a link, without reading it.

    `preemptor_organization`: an annotation; without it, where it may be another tenant's, ask for it.
    """
    if run.preempted_by_id:
        if not is_mine(getattr(run, "preemptor_organization", run.organization_id)):
            return "preempted by another organization's"
        return format_html("preempted by {}", deployment_link(run.preempted_by_id))
    return words(run.stop_cause) if run.stop_cause else reason(run.failure) or NOTHING


def run_link(run_id: int | None) -> SafeString | str:
    return link_to(page(Run, run_id), f"run {run_id}") if run_id else NOTHING


def deployment_link(deployment_id: int) -> SafeString:
    return link_to(page(Deployment, deployment_id), f"#{deployment_id}")


def told(event: DeploymentEvent) -> SafeString | str:
    """One event as a sentence."""
    text = EVENTS.get(event.kind, words(event.kind))
    data: dict[str, Any] = event.data
    if event.kind == "submitted" and data.get("priority") in Priority.values:
        return f"{text} with priority {Priority(data['priority']).label}"
    if event.kind == "changed":
        hidden = [f"{field} (values hidden)" for field in data.get("hidden", ())]
        values = {"old": data.get("old"), "new": data.get("new")}
        return f"{text}: {', '.join(filter(None, [changes(values, shown), *hidden]))}"
    if event.kind == "preempted" and data.get("preemptor_id"):
        return format_html("{} for {}", text, deployment_link(data["preemptor_id"]))
    if event.kind in {"image_pulling", "start_delayed"}:
        more = data.get("progress") or data.get("detail") or reason(data.get("reason"))
        return f"{text}: {more}" if more else text
    if event.kind == "stop_requested" and data.get("as_failed"):
        return f"{text}, to end as failed"
    return text


def actor(event: DeploymentEvent) -> str:
    """Who or what did it."""
    if event.source == Source.USER:
        return event.actor.username if event.actor else "somebody who is gone"
    return "the scheduler" if event.source == Source.SCHEDULER else "the engine"


def shown(field: str, value: Any) -> str:
    """A value of a change as an operator reads it."""
    if field == "priority" and value in Priority.values:
        return Priority(value).label
    resource = field.removeprefix("required_")
    return quantity(resource, value) if resource in RESOURCES and isinstance(value, int) else str(value)


writers["deployment"] = shown
