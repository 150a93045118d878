"""Giving up what runs on a cluster whose engine does not come back."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from clusters.locks import lock_clusters
from clusters.models import Cluster, ClusterState
from clusters.services import note_declared_lost
from clusters.services.events import require_present
from deployments.events import event, save_events
from deployments.models import DeploymentEvent, Outcome, Run, Source, StopCause
from deployments.services.dependencies import clusters_of_dependents
from deployments.services.ends import SETTLED, give_back
from deployments.services.locking import lock_live_runs
from deployments.services.rows import update_rows
from deployments.signals import want_scheduling
from deployments.states import Status
from deployments.verdicts import Failure

DETAIL = "The cluster's engine did not answer, and an operator declared it lost."
AFTER_STOP: dict[tuple[str | None, bool], tuple[Status, Failure | None]] = {
    (StopCause.USER, False): (Status.COMPLETED, None),
    (StopCause.USER, True): (Status.FAILED, Failure.STOPPED),
    (StopCause.TIME_LIMIT, False): (Status.FAILED, Failure.TIME_LIMIT),
}
"""(why it was told to stop, as failed) → what the deployment becomes; all others go back to the queue."""


@transaction.atomic
def declare_lost(*, actor: User, cluster_id: int, confirm: str | None) -> int:
    """End all that runs on an unreachable cluster as lost, and free what it held; answers how many runs.

    What its user had told to stop becomes what the stop asked for; the rest goes back to the queue and uses up no
    retry. Nothing starts there before the engine has answered again. Raises InvalidInput unless `confirm` is the
    cluster's name, and Conflict for a cluster that is reachable or was declared lost already.
    """
    (cluster,) = lock_clusters([cluster_id])
    require_present(cluster)
    _require_unreachable(cluster)
    ids = list(Run.objects.filter(cluster=cluster, outcome=None).values_list("pk", flat=True))
    if confirm != cluster.name:
        raise InvalidInput({"confirm": _question(cluster, len(ids))})
    now = timezone.now()
    runs = lock_live_runs(ids)
    events = [_lose(run, actor, cluster.organization_id, now) for run in runs]
    update_rows(runs, ["ended_at", "outcome", "failure", "detail"])
    update_rows([run.deployment for run in runs], SETTLED)
    save_events(events)
    give_back(runs, now)
    note_declared_lost(actor=actor, cluster=cluster, runs=len(runs))
    final = [run.deployment_id for run in runs if run.deployment.status != Status.PENDING]
    want_scheduling(cluster_id, *clusters_of_dependents(final))
    return len(runs)


def live_runs(cluster: Cluster) -> int:
    """How many runs would end."""
    return Run.objects.filter(cluster=cluster, outcome=None).count()


def _require_unreachable(cluster: Cluster) -> None:
    allowed = ["change", "check", "resume" if cluster.paused else "pause"]
    if cluster.state != ClusterState.UNREACHABLE:
        raise Conflict(
            f"Cluster {cluster.name!r} is {cluster.state}: its engine answers, so nothing there is lost. "
            "Stop what runs there instead, or wait until the cluster is unreachable.",
            state=cluster.state,
            allowed=allowed,
        )
    if cluster.declared_lost_at is not None:
        raise Conflict(
            f"Cluster {cluster.name!r} was declared lost already. It comes back by itself once its engine answers "
            "and our containers there are removed.",
            state=cluster.state,
            allowed=allowed,
        )


def _question(cluster: Cluster, runs: int) -> str:
    ending = (
        "1 run ends as lost, and its deployment is"
        if runs == 1
        else f"{runs} runs end as lost, their deployments are"
    )
    return (
        f"{ending} queued anew, although the containers may still run on an engine "
        f'that nobody can see. If you mean it, send {{"confirm": "{cluster.name}"}}, the cluster\'s name.'
    )


def _lose(run: Run, actor: User, owner_id: int, now: datetime) -> DeploymentEvent:
    deployment, old = run.deployment, run.deployment.status
    becomes, failure = AFTER_STOP.get((run.stop_cause, run.stop_as_failed), (Status.PENDING, None))
    run.ended_at, run.outcome, run.failure, run.detail = now, Outcome.LOST, failure or Failure.LOST, DETAIL
    # While it waits, its reason is the planner's to say.
    deployment.status, deployment.reason, deployment.exit_code = becomes, failure, None
    if becomes == Status.PENDING:
        deployment.started_at = deployment.retry_at = None
    else:
        deployment.ended_at = now
    kind = "requeued_after_loss" if becomes == Status.PENDING else str(becomes)
    told = {"from": old, "to": becomes, "reason": failure, "detail": DETAIL}
    # Who it was is nothing for a guest of the cluster.
    is_owners = deployment.organization_id == owner_id
    return event(
        deployment,
        kind,
        actor_id=actor.pk if is_owners else None,
        source=None if is_owners else Source.RUNTIME,
        run_id=run.pk,
        data=told,
    )
