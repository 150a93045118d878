"""Submitting a deployment."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from accounts.errors import InvalidInput
from accounts.models import User
from clusters.locks import keep_cluster
from clusters.models import Cluster
from clusters.sharing.locks import keeps_use
from clusters.sharing.selectors import NOT_USED
from deployments.events import record_event
from deployments.models import Deployment, RestartPolicy
from deployments.services import dependencies
from deployments.services.runnable import refuse_what_cannot_run
from deployments.signals import want_scheduling
from deployments.verdicts import RETRIES_ON_FAILURE
from organizations.services import lock_organization

DELETED = "This cluster was deleted. Name another one."
ASKED = ("cluster_id", "priority", "required_ram", "required_cpu", "required_gpu")
"""What the first event tells, so that together with later changes any past moment can be rebuilt."""


@transaction.atomic
def submit_deployment(
    *,
    actor: User,
    organization_id: int,
    cluster: Cluster,
    dependency_ids: list[int] | None = None,
    **asked: Any,
) -> Deployment:
    """A new pending deployment, and a hint to the scheduler. Raises InvalidInput where it could never start,
    and where the organization may not use the cluster.

    With restart_policy `on_failure` and no max_retries it gets RETRIES_ON_FAILURE of them.
    """
    if dependency_ids:
        lock_organization(organization_id=organization_id)
    # Read anew: since the caller looked, the cluster may have shrunk or been deleted.
    kept = keep_cluster(cluster.pk)
    if kept is None:
        raise InvalidInput({"cluster_id": DELETED})
    if not keeps_use(kept, organization_id=organization_id):
        raise InvalidInput({"organization_id": NOT_USED})
    deployment = new_deployment(
        actor=actor, organization_id=organization_id, cluster=kept, queued_at=timezone.now(), asked=asked
    )
    refuse_what_cannot_run(deployment, kept)
    deployment.has_dependencies = bool(dependency_ids)
    deployment.save(force_insert=True)
    if dependency_ids:
        dependencies.set_dependencies(deployment=deployment, dependency_ids=dependency_ids)
    record_event(deployment, "submitted", actor=actor, data=told(deployment, dependency_ids or []))
    want_scheduling(kept.pk)
    return deployment


def new_deployment(
    *, actor: User, organization_id: int, cluster: Cluster, queued_at: datetime, asked: Mapping[str, Any]
) -> Deployment:
    """A pending one that is neither checked nor saved yet, with its defaults, its secrets encrypted."""
    fields = dict(asked)
    if fields.get("restart_policy") == RestartPolicy.ON_FAILURE:
        fields.setdefault("max_retries", RETRIES_ON_FAILURE)
    return Deployment(
        organization_id=organization_id,
        cluster=cluster,
        created_by_id=actor.pk,
        queued_at=queued_at,
        **with_encrypted_secrets(fields),
    )


def told(deployment: Deployment, dependency_ids: Iterable[int]) -> dict[str, Any]:
    """The data of its first event."""
    data = {field: getattr(deployment, field) for field in ASKED}
    return data | {"to": deployment.status, "dependency_ids": sorted(set(dependency_ids))}


def with_encrypted_secrets(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, with the values of `secret_env` encrypted and their names beside them."""
    fields = dict(asked)
    if "secret_env" in fields:
        values = fields.pop("secret_env") or {}
        fields |= {
            "secret_env": secrets.encrypt(values) if values else "",
            "secret_env_names": sorted(values),
        }
    return fields
