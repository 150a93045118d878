"""Writing the story of a deployment: the one place that makes events."""

from typing import Any

from deployments.models import Deployment, DeploymentEvent, Source


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
