"""Changing what a deployment asks for, and moving it to another cluster."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts import secrets
from accounts.errors import InvalidInput
from accounts.models import User
from clusters.models import Cluster
from clusters.sharing.locks import keeps_use
from deployments.events import event, record_event, save_events
from deployments.models import Deployment
from deployments.services import dependencies
from deployments.services.locking import lock_with_clusters, require_status
from deployments.services.runnable import SIZE, refuse_what_cannot_run
from deployments.services.submit import with_encrypted_secrets
from deployments.signals import want_scheduling
from deployments.states import CHANGEABLE, RENAMABLE
from organizations.services import lock_organization

NOT_USED = "Its organization does not use this cluster. Name one of its own, or one that is shared with it."
ALWAYS_CHANGEABLE = frozenset({"name", "priority"})
NEVER_IN_EVENTS = frozenset({"env", "secret_env", "secret_env_names"})
ENDS_A_SEAT = SIZE | {"cluster_id", "dependency_ids", "priority"}


@transaction.atomic
def change_deployment(
    *, actor: User, deployment: Deployment, changes: Mapping[str, Any], cluster: Cluster | None = None
) -> Deployment:
    """Change what `changes` names and is different; `cluster` moves it. Raises Conflict, InvalidInput.

    Name and priority change in every state that is not final, all else while pending. A move keeps `queued_at`.
    """
    new_dependencies = changes.get("dependency_ids")
    if new_dependencies is not None:
        lock_organization(organization_id=deployment.organization_id)
    locked, clusters = lock_with_clusters(deployment=deployment, also={cluster.pk} if cluster else set())
    new = _differences(locked, changes)
    if cluster and cluster.pk != locked.cluster_id:
        new["cluster_id"] = cluster.pk
    old = {field: getattr(locked, field) for field in new}
    if new_dependencies is not None:
        before, after = dependencies.dependency_ids(locked.pk), sorted(set(new_dependencies))
        if after != before:
            old["dependency_ids"], new["dependency_ids"] = before, after
    if not new:
        return locked
    if "cluster_id" in new and not keeps_use(
        clusters[new["cluster_id"]], organization_id=locked.organization_id
    ):
        raise InvalidInput({"cluster_id": NOT_USED})
    states = RENAMABLE if ALWAYS_CHANGEABLE.issuperset(new) else CHANGEABLE
    require_status(locked, states, f"change {', '.join(sorted(new))}")
    _write(locked, new, clusters[new.get("cluster_id", locked.cluster_id)])
    _record(actor, locked, old, new)
    want_scheduling(*clusters)
    return locked


def _differences(locked: Deployment, changes: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {field: value for field, value in changes.items() if field != "dependency_ids"}
    if "secret_env" in wanted and _same_secrets(locked, wanted["secret_env"]):
        del wanted["secret_env"]
    return {
        field: value
        for field, value in with_encrypted_secrets(wanted).items()
        if getattr(locked, field) != value
    }


def _same_secrets(locked: Deployment, values: Mapping[str, str] | None) -> bool:
    # The same values never encrypt to the same text, so they are compared in the clear.
    try:
        return bool(secrets.decrypt(locked.secret_env) == (values or {}))
    except secrets.UnreadableSecret:
        return False


def _write(locked: Deployment, new: Mapping[str, Any], cluster: Cluster) -> None:
    if cluster.deleted_at:
        raise InvalidInput({"cluster_id": "This cluster was deleted. Name another one."})
    fields = [field for field in new if field != "dependency_ids"]
    for field in fields:
        setattr(locked, field, new[field])
    refuse_what_cannot_run(locked, cluster, changed=new)
    if "dependency_ids" in new:
        dependencies.set_dependencies(deployment=locked, dependency_ids=new["dependency_ids"])
    if locked.seat_granted_at and ENDS_A_SEAT & new.keys():
        locked.seat_granted_at = None
        fields.append("seat_granted_at")
        save_events([event(locked, "seat_dropped")])
    if fields:
        locked.save(update_fields=fields)


def _record(actor: User, deployment: Deployment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    hidden = NEVER_IN_EVENTS & new.keys()
    data = {
        "old": {field: value for field, value in old.items() if field not in hidden},
        "new": {field: value for field, value in new.items() if field not in hidden},
        "hidden": sorted(hidden),
    }
    record_event(deployment, "changed", actor=actor, data=data)
