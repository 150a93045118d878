"""Submitting a deployment, and changing what one asks for."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import InvalidInput
from accounts.models import User
from clusters import amounts, secrets
from clusters.amounts import Amount
from clusters.locks import lock_clusters
from clusters.models import Cluster
from deployments.events import event
from deployments.models import Deployment
from deployments.services import dependencies
from deployments.services.locking import lock_deployment, require_status
from deployments.signals import want_scheduling
from deployments.states import CHANGEABLE, RENAMABLE
from organizations.services import lock_organization

ALWAYS_CHANGEABLE = frozenset({"name", "priority"})
NEVER_IN_EVENTS = frozenset({"env", "secret_env", "secret_env_names"})
ENDS_A_SEAT = frozenset(
    {"required_ram", "required_cpu", "required_gpu", "cluster_id", "dependency_ids", "priority"}
)


@transaction.atomic
def submit_deployment(
    *,
    actor: User,
    organization_id: int,
    cluster: Cluster,
    dependency_ids: list[int] | None = None,
    **asked: Any,
) -> Deployment:
    """A new pending deployment, and a hint to the scheduler. Raises InvalidInput where it could never start."""
    if dependency_ids:
        lock_organization(organization_id=organization_id)
        dependencies.check_dependencies(organization_id=organization_id, dependency_ids=dependency_ids)
    deployment = Deployment(
        organization_id=organization_id,
        cluster=cluster,
        created_by_id=actor.pk,
        queued_at=timezone.now(),
        **_with_encrypted_secrets(asked),
    )
    refuse_what_never_fits(deployment.required, cluster)
    deployment.save(force_insert=True)
    if dependency_ids:
        dependencies.set_dependencies(deployment=deployment, dependency_ids=dependency_ids)
    event(
        deployment,
        "submitted",
        actor_id=actor.pk,
        data={"to": deployment.status, "priority": deployment.priority},
    ).save()
    want_scheduling(cluster.pk)
    return deployment


@transaction.atomic
def change_deployment(
    *, actor: User, deployment: Deployment, changes: Mapping[str, Any], cluster: Cluster | None = None
) -> Deployment:
    """Change what `changes` names and is different; `cluster` moves it. Raises Conflict, InvalidInput.

    Name and priority change in every state that is not final, all else while pending. A move keeps `queued_at`.
    """
    # Locks in the house's order: organization, clusters by id, deployment.
    new_dependencies = changes.get("dependency_ids")
    if new_dependencies is not None:
        lock_organization(organization_id=deployment.organization_id)
    lock_clusters({deployment.cluster_id} | ({cluster.pk} if cluster else set()))
    locked = lock_deployment(deployment_id=deployment.pk)
    old: dict[str, Any] = {}
    plain = _with_encrypted_secrets({k: v for k, v in changes.items() if k != "dependency_ids"})
    for field, value in plain.items():
        if getattr(locked, field) != value:
            old[field] = getattr(locked, field)
            setattr(locked, field, value)
    if cluster and cluster.pk != locked.cluster_id:
        old["cluster_id"] = locked.cluster_id
        locked.cluster = cluster
    if new_dependencies is not None:
        before = dependencies.dependency_ids(locked.pk)
        if sorted(set(new_dependencies)) != before:
            old["dependency_ids"] = before
    if not old:
        return locked
    only_light = ALWAYS_CHANGEABLE.issuperset(old)
    require_status(locked, RENAMABLE if only_light else CHANGEABLE, f"change {', '.join(sorted(old))}")
    refuse_what_never_fits(locked.required, locked.cluster)
    if new_dependencies is not None:
        dependencies.set_dependencies(deployment=locked, dependency_ids=new_dependencies)
    if ENDS_A_SEAT & old.keys() and locked.seat_granted_at:
        locked.seat_granted_at = None
    locked.save()
    _record_change(actor, locked, old, new_dependencies)
    want_scheduling(locked.cluster_id, *([old["cluster_id"]] if "cluster_id" in old else []))
    return locked


def refuse_what_never_fits(required: Amount, cluster: Cluster) -> None:
    """Raise InvalidInput naming each resource of which the whole cluster has too little."""
    wrong = {}
    for name in required.beyond(cluster.total):
        limit = amounts.to_wire(name, getattr(cluster.total, name))
        wrong[f"required_{name}"] = (
            f"Cluster {cluster.name!r} has {limit} {amounts.UNITS[name]} in all. "
            f"Ask for at most {limit}, or name another cluster."
        )
    if wrong:
        raise InvalidInput(wrong)


def _with_encrypted_secrets(asked: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(asked)
    if "secret_env" in fields:
        values = fields.pop("secret_env") or {}
        fields |= {
            "secret_env": secrets.encrypt(values) if values else "",
            "secret_env_names": sorted(values),
        }
    return fields


def _record_change(
    actor: User, deployment: Deployment, old: Mapping[str, Any], new_ids: list[int] | None
) -> None:
    new = {field: getattr(deployment, field) for field in old if field != "dependency_ids"}
    if "dependency_ids" in old:
        new["dependency_ids"] = sorted(set(new_ids or []))
    hidden = NEVER_IN_EVENTS & old.keys()
    data = {
        "old": {field: value for field, value in old.items() if field not in hidden},
        "new": {field: value for field, value in new.items() if field not in hidden},
        "hidden": sorted(hidden),
    }
    event(deployment, "changed", actor_id=actor.pk, data=data).save()
    audit.record(
        actor_id=actor.pk,
        action="deployment.changed",
        target=f"deployment:{deployment.pk}",
        organization_id=deployment.organization_id,
        detail=data,
    )
