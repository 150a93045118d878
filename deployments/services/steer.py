"""Stopping, cancelling, queueing anew and deleting: what a user does to a deployment that is there."""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import Conflict
from accounts.models import User
from deployments.events import event
from deployments.models import Dependency, Deployment, Run, StopCause
from deployments.reconciling import want_reconciling
from deployments.services.locking import live_run, lock_deployment, require_status
from deployments.services.submit import refuse_what_never_fits
from deployments.signals import want_scheduling
from deployments.states import CANCELLABLE, DELETABLE, FINAL, STOPPABLE, Status


@transaction.atomic
def stop_deployment(*, actor: User, deployment_id: int, as_failed: bool = False) -> Deployment:
    """Tell its run to stop; it completes (or fails) when the engine says that it is gone.

    A stop by the user wins over an eviction under way: the deployment does not come back to the queue. Raises Conflict.
    """
    deployment = lock_deployment(deployment_id=deployment_id)
    run = stoppable_run(deployment)
    old = deployment.status
    deployment.status = Status.STOPPING
    deployment.save(update_fields=["status"])
    run.stop_cause, run.stop_as_failed = StopCause.USER, as_failed
    run.stop_requested_at = run.stop_requested_at or timezone.now()
    run.save(update_fields=["stop_cause", "stop_as_failed", "stop_requested_at"])
    _record(
        actor,
        deployment,
        "stop_requested",
        run,
        **{"from": old, "to": deployment.status},
        as_failed=as_failed,
    )
    want_reconciling(deployment.cluster_id)
    return deployment


def stoppable_run(deployment: Deployment) -> Run:
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
    """Queue one that has ended anew: at the end of its priority, with fresh retries. Raises Conflict, InvalidInput."""
    deployment = lock_deployment(deployment_id=deployment_id)
    require_status(deployment, FINAL, "queue it anew")
    if deployment.cluster.deleted_at:
        raise Conflict("Its cluster was deleted. Submit it to another cluster.", state=deployment.status)
    refuse_what_never_fits(deployment.required, deployment.cluster)
    old = deployment.status
    deployment.status = Status.PENDING
    deployment.queued_at = timezone.now()
    deployment.reason = deployment.retry_at = deployment.started_at = deployment.ended_at = (
        deployment.exit_code
    ) = None
    deployment.retries_used = deployment.lost_count = 0
    deployment.save()
    _record(actor, deployment, "requeued", None, **{"from": old, "to": deployment.status})
    want_scheduling(deployment.cluster_id)
    return deployment


@transaction.atomic
def delete_deployment(*, actor: User, deployment_id: int) -> None:
    """Hide it; a pending one is cancelled first. Its runs and events stay. Raises Conflict."""
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
        )
    if deployment.status == Status.PENDING:
        _cancel(actor, deployment)
    deployment.deleted_at = timezone.now()
    deployment.save(update_fields=["deleted_at"])
    _record(actor, deployment, "deleted", None)


def _cancel(actor: User, deployment: Deployment) -> None:
    old = deployment.status
    deployment.status, deployment.reason, deployment.seat_granted_at = Status.CANCELLED, None, None
    deployment.ended_at = timezone.now()
    deployment.save(update_fields=["status", "reason", "seat_granted_at", "ended_at"])
    _record(actor, deployment, "cancelled", None, **{"from": old, "to": deployment.status})
    want_scheduling(deployment.cluster_id, *clusters_of_dependents(deployment.pk))


def clusters_of_dependents(deployment_id: int) -> list[int]:
    """Where deployments wait for this one."""
    return list(
        Dependency.objects.filter(depends_on_id=deployment_id, deployment__status=Status.PENDING)
        .values_list("deployment__cluster_id", flat=True)
        .distinct()
    )


def _record(actor: User, deployment: Deployment, kind: str, run: Run | None, **data: object) -> None:
    event(deployment, kind, actor_id=actor.pk, run_id=run.pk if run else None, data=dict(data)).save()
    audit.record(
        actor_id=actor.pk,
        action=f"deployment.{kind}",
        target=f"deployment:{deployment.pk}",
        organization_id=deployment.organization_id,
    )
