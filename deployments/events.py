"""Writing the story of a deployment: the one place that makes events."""

from collections.abc import Sequence
from typing import Any

from accounts import audit
from accounts.copying import copy_rows
from accounts.models import User
from deployments.models import Deployment, DeploymentEvent, Run, Source


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
        deployment_id=deployment.pk,
        organization_id=deployment.organization_id,
        run_id=run_id,
        kind=kind,
        source=source or (Source.USER if actor_id else Source.SCHEDULER),
        actor_id=actor_id,
        data=data or {},
    )


def record_event(
    deployment: Deployment,
    kind: str,
    *,
    actor: User,
    run: Run | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """What a person did: an event of the deployment, and a line of the audit log. `data` holds no secrets."""
    event(deployment, kind, actor_id=actor.pk, run_id=run.pk if run else None, data=data).save()
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
    copy_rows([event(deployment, kind, actor_id=actor.pk, data=data) for deployment, data in told])
    audit.record_all(
        actor_id=actor.pk,
        action=f"deployment.{kind}",
        organization_id=organization_id,
        details=[(f"deployment:{deployment.pk}", data) for deployment, data in told],
    )
