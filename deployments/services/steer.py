"""Stopping, cancelling, queueing anew and deleting: what a user does to a deployment that is there."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.errors import Conflict, NotFound
from accounts.models import User
from clusters.sharing.locks import keeps_use
from deployments.events import record_event
from deployments.models import Dependency, Deployment, Run, StopCause
from deployments.reconciling import want_reconciling
from deployments.selectors import UNSEEN
from deployments.services.dependencies import clusters_of_dependents
from deployments.services.locking import live_run, lock_deployment, lock_with_clusters, require_status
from deployments.services.runnable import what_cannot_run
from deployments.signals import want_scheduling
from deployments.states import CANCELLABLE, DELETABLE, FINAL, STOPPABLE, Status, allowed_actions
from organizations.services import lock_organization


@transaction.atomic
def stop_deployment(*, actor: User, deployment_id: int, as_failed: bool = False) -> Deployment:
    """Tell its run to stop; it completes (or fails) when the engine says that it is gone.

    A stop by the user wins over an eviction under way: the deployment does not come back to the queue. Raises Conflict.
    """
    deployment = lock_deployment(deployment_id=deployment_id)
    run = _stoppable_run(deployment)
    moved = {"from": deployment.status, "to": Status.STOPPING.value}
    if deployment.status != Status.STOPPING:
        deployment.status = Status.STOPPING
        deployment.save(update_fields=["status"])
    run.stop_cause, run.stop_as_failed = StopCause.USER, as_failed
    run.stop_requested_at = run.stop_requested_at or timezone.now()
    run.save(update_fields=["stop_cause", "stop_as_failed", "stop_requested_at"])
    record_event(deployment, "stop_requested", actor=actor, run=run, data=moved | {"as_failed": as_failed})
    want_reconciling(deployment.cluster_id)
    return deployment


def _stoppable_run(deployment: Deployment) -> Run:
    """Its run, if a user may stop it now: also one that is stopping for a preemption. Raises Conflict."""
    if deployment.status == Status.STOPPING:
        run = live_run(deployment)
        if run.stop_cause == StopCause.PREEMPTION:
            return run
    require_status(deployment, STOPPABLE, "stop it")
    return live_run(deployment)


@transaction.atomic
def cancel_deployment(*, actor: User, deployment_id: int) -> Deployment:
    """Take a pending one out of the queue for good. Raises Conflict."""
    deployment = lock_deployment(deployment_id=deployment_id)
    require_status(deployment, CANCELLABLE, "cancel it")
    _cancel(actor, deployment)
    return deployment


@transaction.atomic
def requeue_deployment(*, actor: User, deployment_id: int) -> Deployment:
    """Queue one that has ended anew: at the end of its priority, with fresh retries. Raises Conflict."""
    unlocked = _unlocked(deployment_id)
    # The organization's lock keeps out whoever deletes it just now: nothing of a deleted one may run.
    lock_organization(organization_id=unlocked.organization_id)
    deployment, clusters = lock_with_clusters(deployment=unlocked)
    cluster = clusters[deployment.cluster_id]
    require_status(deployment, FINAL, "queue it anew")
    if cluster.deleted_at:
        raise Conflict("Its cluster was deleted. Submit it anew to another cluster.", state=deployment.status)
    if not keeps_use(cluster, organization_id=deployment.organization_id):
        raise Conflict(
            "Its cluster is not shared with its organization any more. Submit it anew to another cluster.",
            state=deployment.status,
            allowed=["delete"],
        )
    if wrong := what_cannot_run(deployment, cluster):
        # An ended deployment cannot be changed any more, so that asking for something else needs a new one.
        raise Conflict(
            f"{'; '.join(f'{field}: {text}' for field, text in wrong.items())} Submit it anew so.",
            state=deployment.status,
            allowed=allowed_actions(Status(deployment.status)),
        )
    moved = {"from": deployment.status, "to": Status.PENDING.value}
    fresh = {
        "status": Status.PENDING,
        "queued_at": timezone.now(),
        "retries_used": 0,
        "lost_count": 0,
        **dict.fromkeys(("reason", "retry_at", "started_at", "ended_at", "exit_code")),
    }
    _write(deployment, fresh)
    record_event(deployment, "requeued", actor=actor, data=moved)
    want_scheduling(cluster.pk, *clusters_of_dependents([deployment.pk]))
    return deployment


@transaction.atomic
def delete_deployment(*, actor: User, deployment_id: int) -> None:
    """Hide it; a pending one is cancelled first. Its runs and events stay. Raises Conflict."""
    # The organization's lock keeps out whoever makes another deployment wait for this one just now.
    lock_organization(organization_id=_unlocked(deployment_id).organization_id)
    deployment = lock_deployment(deployment_id=deployment_id)
    require_status(deployment, DELETABLE, "delete it")
    waiting = Dependency.objects.filter(
        depends_on=deployment, deployment__status=Status.PENDING, deployment__deleted_at=None
    ).values_list("deployment_id", flat=True)[:10]
    if waiting:
        names = ", ".join(map(str, waiting))
        raise Conflict(
            f"Pending deployments wait for this one: {names}. Cancel them or change what they wait for first.",
            state=deployment.status,
            allowed=set(allowed_actions(Status(deployment.status))) - {"delete"},
        )
    if deployment.status == Status.PENDING:
        _cancel(actor, deployment)
    deployment.deleted_at = timezone.now()
    deployment.save(update_fields=["deleted_at"])
    record_event(deployment, "deleted", actor=actor)


def _cancel(actor: User, deployment: Deployment) -> None:
    moved = {"from": deployment.status, "to": Status.CANCELLED.value}
    cancelled = {
        "status": Status.CANCELLED,
        "ended_at": timezone.now(),
        **dict.fromkeys(("reason", "seat_granted_at", "retry_at")),
    }
    _write(deployment, cancelled)
    record_event(deployment, "cancelled", actor=actor, data=moved)
    want_scheduling(deployment.cluster_id, *clusters_of_dependents([deployment.pk]))


def _write(deployment: Deployment, fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        setattr(deployment, field, value)
    deployment.save(update_fields=[*fields])


def _unlocked(deployment_id: int) -> Deployment:
    """The row as it is now, to learn what to lock before it. Raises NotFound."""
    found: Deployment | None = Deployment.objects.filter(pk=deployment_id, deleted_at=None).first()
    if found is None:
        raise NotFound(UNSEEN)
    return found
