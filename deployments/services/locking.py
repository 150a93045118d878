"""Compare-and-set on a deployment's state, and the 409 that a lost race becomes."""

from collections.abc import Collection

from accounts.errors import Conflict, NotFound
from deployments.models import Deployment, Run, StopCause
from deployments.states import Status, allowed_actions


def lock_deployment(*, deployment_id: int) -> Deployment:
    """The row, locked; after organizations and clusters, never before them. Raises NotFound."""
    found: Deployment | None = (
        Deployment.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=deployment_id, deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound("There is no deployment with this id that you can see.")
    return found


def require_status(deployment: Deployment, states: Collection[Status], verb: str) -> None:
    """Raise Conflict, naming the state and what it allows, unless the deployment is in one of `states`."""
    status = Status(deployment.status)
    if status in states:
        return
    preempted = status == Status.STOPPING and live_run(deployment).stop_cause == StopCause.PREEMPTION
    allowed = allowed_actions(status, stopping_for_preemption=preempted)
    able = f"Now you can: {', '.join(allowed)}." if allowed else "Wait until it has ended."
    raise Conflict(
        f"Deployment {deployment.pk} is {status}, so you cannot {verb}. {able}", state=status, allowed=allowed
    )


def live_run(deployment: Deployment) -> Run:
    """The run that holds capacity for the deployment now."""
    run: Run = Run.objects.get(deployment=deployment, outcome=None)
    return run
