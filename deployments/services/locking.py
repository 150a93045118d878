"""Compare-and-set on a deployment's state, and the 409 that a lost race becomes."""

from collections.abc import Collection, Iterable

from accounts.errors import Conflict, NotFound
from clusters.locks import lock_clusters
from clusters.models import Cluster
from deployments.models import Deployment, Run, StopCause
from deployments.selectors import UNSEEN
from deployments.states import Status, allowed_actions


def lock_deployment(*, deployment_id: int) -> Deployment:
    """The row, locked; after organizations and clusters, never before them. Raises NotFound."""
    found: Deployment | None = (
        Deployment.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=deployment_id, deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound(UNSEEN)
    return found


def lock_with_clusters(
    *, deployment: Deployment, also: Iterable[int] = ()
) -> tuple[Deployment, dict[int, Cluster]]:
    """The row and its cluster, and the clusters `also`, by id; all locked. Raises NotFound, Conflict.

    `deployment` was read without a lock, so it may have been moved to a cluster that is not locked here.
    """
    clusters = {cluster.pk: cluster for cluster in lock_clusters({deployment.cluster_id, *also})}
    locked = lock_deployment(deployment_id=deployment.pk)
    if locked.cluster_id not in clusters:
        raise Conflict(
            "It was moved to another cluster just now. Look at it and try again.", state=locked.status
        )
    return locked, clusters


def require_status(deployment: Deployment, states: Collection[Status], verb: str) -> None:
    """Raise Conflict, naming the state and what it allows, unless the deployment is in one of `states`."""
    status = Status(deployment.status)
    if status in states:
        return
    preempted = (
        status == Status.STOPPING
        and Run.objects.filter(deployment=deployment, outcome=None, stop_cause=StopCause.PREEMPTION).exists()
    )
    allowed = allowed_actions(status, stopping_for_preemption=preempted)
    able = f"Now you can: {', '.join(allowed)}." if allowed else "Wait until it has ended."
    raise Conflict(
        f"Deployment {deployment.pk} is {status}, so you cannot {verb}. {able}", state=status, allowed=allowed
    )


def live_run(deployment: Deployment) -> Run:
    """The run that holds capacity for the deployment, whose row is locked."""
    run: Run = Run.objects.get(deployment=deployment, outcome=None)
    return run


def lock_live_runs(run_ids: Iterable[int]) -> list[Run]:
    """The runs that have not ended, with their deployments locked in id order; one that ended is left out.

    The caller holds their cluster's lock.
    """
    ids = list(run_ids)
    deployments = {
        deployment.pk: deployment
        for deployment in Deployment.objects.select_for_update(no_key=True, of=("self",))
        .filter(runs__in=ids, runs__outcome=None)
        .order_by("pk")
    }
    # Read after the lock: a stop by the user may have changed the run while we waited.
    runs = list(Run.objects.filter(pk__in=ids, outcome=None, deployment__in=deployments).order_by("pk"))
    for run in runs:
        run.deployment = deployments[run.deployment_id]
    return runs
