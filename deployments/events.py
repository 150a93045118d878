"""Writing the story of a deployment: the one place that makes events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts import audit
from accounts.copying import copy_rows
from accounts.models import User
from clusters.amounts import wire_data
from clusters.announcing import Announcement, Row, announce
from deployments.models import Deployment, DeploymentEvent, Run, Source
from deployments.states import Status

KINDS = frozenset(
    {
        "submitted", "changed", "stop_requested", "cancelled", "deleted", "requeued", "checkpoint", "scheduled",
        "running", "preempted", "seat_granted", "seat_dropped", "start_delayed", "image_pulling", "image_pulled",
        "time_limit_reached", "orphan_removed", "completed", "failed", "retrying", "requeued_after_preemption",
        "requeued_after_loss",
    }
)  # fmt: skip
"""All that there are; whoever wants to be told chooses among them."""


def event(
    deployment: Deployment,
    kind: str,
    *,
    actor_id: int | None = None,
    source: Source | None = None,
    run_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> DeploymentEvent:
    """An event that is not saved yet, for a bulk insert. A given actor makes the source a user."""
    return DeploymentEvent(
        deployment=deployment,
        organization_id=deployment.organization_id,
        run_id=run_id,
        kind=kind,
        source=source or (Source.USER if actor_id else Source.SCHEDULER),
        actor_id=actor_id,
        data=data or {},
    )


def save_events(events: Sequence[DeploymentEvent]) -> None:
    """Store what `event` made, and tell of it after the commit. Their deployments have their new status by now."""
    DeploymentEvent.objects.bulk_create(events)
    _announce(events)


def announce_all(
    kind: str,
    rows: Sequence[Row],
    *,
    source: Source,
    at: datetime,
    status: Status,
    data: dict[str, Any] | None = None,
) -> None:
    """Tell, after the commit, what one statement wrote of many deployments, all the same."""
    if rows:
        announce([Announcement("deployment", kind, source, at, status, data or {}, rows)])


def record_event(
    deployment: Deployment,
    kind: str,
    *,
    actor: User,
    run: Run | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """What a person did: an event of the deployment, and a line of the audit log. `data` holds no secrets."""
    save_events([event(deployment, kind, actor_id=actor.pk, run_id=run.pk if run else None, data=data)])
    audit.record(
        actor_id=actor.pk,
        action=f"deployment.{kind}",
        target=f"deployment:{deployment.pk}",
        organization_id=deployment.organization_id,
        detail=data,
    )


def record_events(
    told: Sequence[tuple[Deployment, dict[str, Any]]], kind: str, *, actor: User, organization_id: int
) -> None:
    """As `record_event`, for deployments of one organization, each with its data; in two statements."""
    events = [event(deployment, kind, actor_id=actor.pk, data=data) for deployment, data in told]
    copy_rows(events)
    _announce(events)
    audit.record_all(
        actor_id=actor.pk,
        action=f"deployment.{kind}",
        organization_id=organization_id,
        details=[(f"deployment:{deployment.pk}", data) for deployment, data in told],
    )


def _announce(events: Sequence[DeploymentEvent]) -> None:
    now = timezone.now()
    announce(
        [
            Announcement(
                "deployment",
                one.kind,
                one.source,
                one.at or now,
                # A move may be written by a statement that does not touch the object.
                one.data.get("to", one.deployment.status),
                wire_data(one.data),
                [(one.deployment_id, one.deployment.cluster_id, one.organization_id)],
            )
            for one in events
        ]
    )
