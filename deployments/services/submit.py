"""Submitting a deployment."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import User
from clusters import secrets
from clusters.locks import keep_cluster
from clusters.models import Cluster
from deployments.events import record_event
from deployments.models import Deployment, RestartPolicy
from deployments.services import dependencies
from deployments.services.runnable import refuse_what_cannot_run
from deployments.signals import want_scheduling
from deployments.verdicts import RETRIES_ON_FAILURE
from organizations.services import lock_organization

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
    """A new pending deployment, and a hint to the scheduler. Raises InvalidInput where it could never start.

    With restart_policy `on_failure` and no max_retries it gets RETRIES_ON_FAILURE of them.
    """
    if asked.get("restart_policy") == RestartPolicy.ON_FAILURE:
        asked.setdefault("max_retries", RETRIES_ON_FAILURE)
    if dependency_ids:
        lock_organization(organization_id=organization_id)
    # Read anew: since the caller looked, the cluster may have shrunk or been deleted.
    kept = keep_cluster(cluster.pk)
    if kept is None:
        raise InvalidInput({"cluster_id": "This cluster was deleted. Name another one."})
    deployment = Deployment(
        organization_id=organization_id,
        cluster=kept,
        created_by_id=actor.pk,
        queued_at=timezone.now(),
        **with_encrypted_secrets(asked),
    )
    refuse_what_cannot_run(deployment, kept)
    deployment.save(force_insert=True)
    if dependency_ids:
        dependencies.set_dependencies(deployment=deployment, dependency_ids=dependency_ids)
    data = {field: getattr(deployment, field) for field in ASKED}
    data |= {"to": deployment.status, "dependency_ids": sorted(set(dependency_ids or []))}
    record_event(deployment, "submitted", actor=actor, data=data)
    want_scheduling(kept.pk)
    return deployment


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
