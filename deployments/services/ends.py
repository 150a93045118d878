"""The end of runs: judged, written into the books, and what they held given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from clusters.locks import lock_clusters
from clusters.models import Cluster
from deployments.events import save_events
from deployments.models import (
    Allocation,
    Deployment,
    DeploymentEvent,
    HeldDevice,
    Outcome,
    RestartPolicy,
    Run,
    StopCause,
)
from deployments.reconcile import End
from deployments.services.dependencies import clusters_of_dependents
from deployments.services.locking import lock_live_runs
from deployments.services.rows import update_rows
from deployments.services.runs import moved, told
from deployments.signals import want_scheduling
from deployments.states import Status
from deployments.verdicts import Ended, Failure, Verdict, failure_of, judge

SETTLED = (
    "status", "reason", "started_at", "ended_at", "exit_code", "retry_at", "preemption_count", "retries_used",
    "lost_count",
)  # fmt: skip
"""What an end may write of a deployment."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The run will never start, and why."""

    run_id: int
    detail: str
    failure: Failure = Failure.START_REFUSED


@transaction.atomic
def record_ends(*, cluster_id: int, ends: Sequence[End | Refusal]) -> None:
    """Close runs, give back what they held, and send each deployment where its end takes it."""
    lock_clusters([cluster_id])
    now = timezone.now()
    by_run = {end.run_id: end for end in ends}
    runs = lock_live_runs(by_run)
    if not runs:
        return
    events = [_close(run, by_run[run.pk], now) for run in runs]
    update_rows(runs, ["running_at", "ended_at", "outcome", "failure", "detail", "exit_code"])
    update_rows([run.deployment for run in runs], SETTLED)
    save_events(events)
    _keep_handles(runs, by_run)
    give_back(runs, now)
    final = [run.deployment_id for run in runs if run.deployment.status != Status.PENDING]
    want_scheduling(cluster_id, *clusters_of_dependents(final))


def _close(run: Run, end: End | Refusal, now: datetime) -> DeploymentEvent:
    deployment, verdict = run.deployment, _judged(run, end, now)
    # The time of our books: an engine's clock may be behind the booking, and the story must stay in order.
    run.ended_at, run.outcome, run.detail = now, verdict.outcome, end.detail[:500]
    run.failure = verdict.failure
    if isinstance(end, End):
        run.exit_code = end.exit_code
        run.running_at = run.running_at or end.started_at
    data = {"exit_code": run.exit_code, "reason": verdict.failure, "detail": run.detail}
    closed = told(run, _kind(verdict), moved(deployment.status, verdict.status) | data)
    _settle(deployment, run, verdict, now)
    return closed


def _judged(run: Run, end: End | Refusal, now: datetime) -> Verdict:
    deployment = run.deployment
    if isinstance(end, Refusal):
        return judge(Ended(own=True, never_ran=end.failure))
    # A stop that came between the look at the engine and this lock: gone is gone, and it was asked for.
    lost = end.lost and deployment.status != Status.STOPPING
    began = run.running_at
    return judge(
        Ended(
            own=end.own and lost == end.lost,
            lost=lost,
            exit_code=end.exit_code,
            cause=failure_of(end.cause),
            stop_cause=StopCause(run.stop_cause) if run.stop_cause else None,
            stop_as_failed=run.stop_as_failed,
            restart_policy=RestartPolicy(deployment.restart_policy),
            max_retries=deployment.max_retries,
            retries_used=deployment.retries_used,
            lost_count=deployment.lost_count,
            ran_seconds=(now - began).total_seconds() if began else 0,
        )
    )


def _settle(deployment: Deployment, run: Run, verdict: Verdict, now: datetime) -> None:
    deployment.status = verdict.status
    # While it waits, its reason is the planner's to say.
    deployment.reason = verdict.failure if verdict.status == Status.FAILED else None
    deployment.exit_code = run.exit_code
    deployment.retries_used += verdict.uses_retry
    deployment.preemption_count += verdict.outcome == Outcome.PREEMPTED
    deployment.lost_count = verdict.lost_count
    if verdict.status == Status.PENDING:
        deployment.started_at = None
        deployment.retry_at = now + timedelta(seconds=verdict.retry_after) if verdict.retry_after else None
    else:
        deployment.ended_at = now


def _kind(verdict: Verdict) -> str:
    if verdict.status != Status.PENDING:
        return str(verdict.status)
    returned = {Outcome.PREEMPTED: "requeued_after_preemption", Outcome.LOST: "requeued_after_loss"}
    return returned.get(verdict.outcome, "retrying")


def _keep_handles(runs: Sequence[Run], ends: Mapping[int, End | Refusal]) -> None:
    """For those so quick that nobody saw them run: their logs are asked for by the handle."""
    handles = {run.pk: getattr(ends[run.pk], "handle", None) for run in runs}
    nameless = list(
        Allocation.objects.filter(run__in=[pk for pk, handle in handles.items() if handle], handle="")
    )
    for allocation in nameless:
        allocation.handle = handles[allocation.run_id] or ""
    update_rows(nameless, ["handle"])


def give_back(runs: Sequence[Run], now: datetime) -> None:
    """Free what these runs held. The caller holds their clusters' locks."""
    held = Allocation.objects.filter(run__in=runs, released_at=None)
    freed = held.order_by().values("cluster_id").annotate(Sum("ram"), Sum("cpu"), Sum("gpu"))
    for amount in list(freed):
        Cluster.objects.filter(pk=amount["cluster_id"]).update(
            allocated_ram=F("allocated_ram") - amount["ram__sum"],
            allocated_cpu=F("allocated_cpu") - amount["cpu__sum"],
            allocated_gpu=F("allocated_gpu") - amount["gpu__sum"],
        )
    HeldDevice.objects.filter(allocation__in=held).delete()
    held.update(released_at=now)
