"""Why a deployment waits, on its page: its place in the queue, and each reason with what is missing."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from accounts.admin.panels import Panel
from accounts.admin.scope import for_staff
from clusters.admin.capacity import quantity
from clusters.amounts import RESOURCES, from_wire
from deployments.admin import wording
from deployments.models import Deployment
from deployments.selectors import waits_told
from deployments.states import Status


@for_staff
def waits(request: HttpRequest, deployment: Deployment) -> Panel | None:
    """None for one that does not wait."""
    if deployment.status != Status.PENDING or deployment.deleted_at:
        return None
    told: dict[str, Any] = {}
    for one in waits_told:
        told |= one(deployment.pk)
    place = told.get("queue_position")
    return Panel(
        f"Waits: number {place} in the queue of its cluster" if place else "Waits",
        ("Reason", "Missing"),
        [(wording.reason(row["reason"]), missing(row["deficits"])) for row in told.get("reasons", ())],
        nothing="Nothing keeps it: the next cycle looks at it.",
    )


def missing(deficits: Mapping[str, Any]) -> str:
    """What it would need beside what there is."""
    amounts = {name: from_wire(name, deficits[name]) for name in RESOURCES}
    return " · ".join(quantity(name, value) for name, value in amounts.items() if value > 0) or "–"
