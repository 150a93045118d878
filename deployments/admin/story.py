"""The events of a deployment as sentences: who did what to it."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.admin import wording
from deployments.models import DeploymentEvent, Priority, Source

SENTENCES = {
    "submitted": "{who} submitted it",
    "scheduled": "{who} gave it room on its cluster",
    "image_pulling": "{who} began to pull its image",
    "image_pulled": "{who} has its image",
    "start_delayed": "{who} could not run it yet",
    "running": "{who} runs it",
    "orphan_removed": "{who} removed a container of it that nobody owned",
    "preempted": "{who} told it to make room",
    "seat_granted": "{who} promised room to it",
    "seat_dropped": "{who} took the promise of room back",
    "stop_requested": "{who} told it to stop",
    "time_limit_reached": "{who} told it to stop, at its time limit",
    "requeued_after_preemption": "It made room and is back in the queue",
    "requeued_after_loss": "{who} lost it; it is back in the queue",
    "retrying": "Its run ended badly; it will be tried again",
    "requeued": "{who} queued it anew",
    "cancelled": "{who} cancelled it",
    "deleted": "{who} deleted it",
    "completed": "It completed",
    "failed": "It failed",
    "checkpoint": "{who} noted that its work was saved",
}


def sentence(event: DeploymentEvent) -> SafeString | str:
    """One event, told."""
    who = wording.actor(event)
    if event.source != Source.USER:
        who = who[0].upper() + who[1:]
    told: Any = SENTENCES.get(event.kind)
    if told is None:
        return format_html("{}: {}.", who, wording.told(event))
    return format_html("{}{}.", told.format(who=who), _more(event))


def _more(event: DeploymentEvent) -> Any:
    data: dict[str, Any] = event.data
    if event.kind == "submitted" and data.get("priority") in Priority.values:
        return f" with priority {Priority(data['priority']).label}"
    if event.kind == "preempted":
        by = data.get("preemptor_id")
        return format_html(" for {}", wording.deployment_link(by)) if by else " for another organization's"
    if event.kind == "stop_requested" and data.get("as_failed"):
        return ", to end as failed"
    detail = data.get("progress") or data.get("detail") or wording.reason(data.get("reason"))
    return f": {detail}" if detail else ""
