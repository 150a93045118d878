"""What the engine says about runs, written into the books: running, ended, past the time limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from clusters.locks import lock_clusters
from clusters.models import Cluster
from deployments.events import event
from deployments.models import (
    Allocation,
    Deployment,
    DeploymentEvent,
    Outcome,
    RestartPolicy,
    Run,
    Source,
    StopCause,
)
from deployments.reconcile import End, MarkRunning
from deployments.services.steer import clusters_of_dependents
from deployments.signals import want_scheduling
from deployments.states import STOPPABLE, Status
from deployments.verdicts import Ended, Verdict, judge


@dataclass(frozen=True, slots=True)
class Refusal:
    """The engine will never start this run, and says why."""

    run_id: int
    detail: str


@transaction.atomic
def record_running(*, cluster_id: int, marks: Sequence[MarkRunning]) -> None:
    """Starting → running for those still starting, dated as the engine does."""
    lock_clusters([cluster_id])
    now = timezone.now()
    by_run = {mark.run_id: mark for mark in marks}
    live = _live_runs(by_run)
    events = []
    for run in live:
        if run.deployment.status != Status.STARTING:
            continue
        mark = by_run[run.pk]
        run.running_at = mark.at or now
        events.append(_told(run, "running", old=Status.STARTING, to=Status.RUNNING))
    started = [run for run in live if run.running_at]
    Run.objects.bulk_update(started, ["running_at"], batch_size=500)
    for run in live:
        Allocation.objects.filter(run=run, handle="").update(handle=by_run[run.pk].handle)
    Deployment.objects.filter(pk__in=[run.deployment_id for run in started], status=Status.STARTING).update(
        status=Status.RUNNING
    )
    DeploymentEvent.objects.bulk_create(events)


@transaction.atomic
def record_signals(*, run_ids: Sequence[int]) -> None:
    """Note, before the engine is told, that it will be: an end dated before this is the run's own."""
    Run.objects.filter(pk__in=run_ids, stop_signalled_at=None).update(stop_signalled_at=timezone.now())


@transaction.atomic
def expire_runs(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Tell runs past their time limit to stop; they fail when they are gone."""
    lock_clusters([cluster_id])
    now = timezone.now()
    for run in _live_runs(run_ids):
        if run.deployment.status not in STOPPABLE:
            continue
        old, run.deployment.status = run.deployment.status, Status.STOPPING
        run.deployment.save(update_fields=["status"])
        run.stop_cause, run.stop_requested_at = StopCause.TIME_LIMIT, now
        run.save(update_fields=["stop_cause", "stop_requested_at"])
        _told(run, "time_limit_reached", old=old, to=Status.STOPPING).save()


@transaction.atomic
def record_ends(*, cluster_id: int, ends: Sequence[End], refusals: Sequence[Refusal] = ()) -> None:
    """Close runs, give back what they held, and send each deployment where its end takes it."""
    lock_clusters([cluster_id])
    now = timezone.now()
    both: list[End | Refusal] = [*ends, *refusals]
    over = {end.run_id: end for end in both}
    runs = _live_runs(over)
    events, dependents = [], set()
    for run in runs:
        end, deployment = over[run.pk], run.deployment
        old = deployment.status
        verdict = _judged(run, end)
        # The time of our books: an engine's clock may be behind the booking, and the story must stay in order.
        run.ended_at, run.outcome, run.detail = now, verdict.outcome, end.detail[:500]
        run.exit_code = end.exit_code if isinstance(end, End) else None
        _settle(deployment, run, verdict, now)
        told = _told(run, _kind(verdict), old=old, to=deployment.status)
        told.data |= {"exit_code": run.exit_code, "reason": verdict.failure, "detail": run.detail}
        events.append(told)
        if deployment.status != Status.PENDING:
            dependents.update(clusters_of_dependents(deployment.pk))
    Run.objects.bulk_update(runs, ["ended_at", "outcome", "detail", "exit_code"], batch_size=500)
    Deployment.objects.bulk_update(
        [run.deployment for run in runs],
        [
            "status",
            "reason",
            "ended_at",
            "exit_code",
            "retry_at",
            "preemption_count",
            "retries_used",
            "lost_count",
        ],
        batch_size=500,
    )
    DeploymentEvent.objects.bulk_create(events)
    _give_back(runs, now)
    if runs:
        want_scheduling(cluster_id, *dependents)


def _live_runs(run_ids: Mapping[int, object] | Sequence[int]) -> list[Run]:
    """The runs that have not ended, with their deployments locked; a run that ended meanwhile is left out."""
    deployments = {
        deployment.pk: deployment
        for deployment in Deployment.objects.select_for_update(no_key=True, of=("self",))
        .filter(runs__in=list(run_ids), runs__outcome=None)
        .order_by("pk")
    }
    # Read after the lock: a stop by the user may have changed the run while we waited.
    runs = list(
        Run.objects.filter(pk__in=list(run_ids), outcome=None, deployment__in=deployments).order_by("pk")
    )
    for run in runs:
        run.deployment = deployments[run.deployment_id]
    return runs


def _judged(run: Run, end: End | Refusal) -> Verdict:
    deployment = run.deployment
    if isinstance(end, Refusal):
        return judge(Ended(own=True, refused=True))
    stopping = deployment.status == Status.STOPPING
    return judge(
        Ended(
            # A stop that came between the look at the engine and this lock: gone is gone, and it was asked for.
            own=end.own and not (stopping and end.lost),
            lost=end.lost and not stopping,
            exit_code=end.exit_code,
            stop_cause=StopCause(run.stop_cause) if run.stop_cause else None,
            stop_as_failed=run.stop_as_failed,
            restart_policy=RestartPolicy(deployment.restart_policy),
            max_retries=deployment.max_retries,
            retries_used=deployment.retries_used,
            lost_count=deployment.lost_count,
        )
    )


def _settle(deployment: Deployment, run: Run, verdict: Verdict, now: datetime) -> None:
    deployment.status, deployment.reason = verdict.status, verdict.failure
    deployment.exit_code = run.exit_code
    deployment.retries_used += verdict.uses_retry
    deployment.preemption_count += verdict.outcome == Outcome.PREEMPTED
    deployment.lost_count += verdict.outcome == Outcome.LOST
    if verdict.status == Status.PENDING:
        deployment.retry_at = now + timedelta(seconds=verdict.retry_after) if verdict.retry_after else None
    else:
        deployment.ended_at = now


def _kind(verdict: Verdict) -> str:
    if verdict.status != Status.PENDING:
        return str(verdict.status)
    returned = {Outcome.PREEMPTED: "requeued_after_preemption", Outcome.LOST: "requeued_after_loss"}
    return returned.get(verdict.outcome, "retrying")


def _give_back(runs: Sequence[Run], now: datetime) -> None:
    held = Allocation.objects.filter(run__in=runs, released_at=None)
    freed: dict[int, list[int]] = {}
    for cluster_id, ram, cpu, gpu in held.values_list("cluster_id", "ram", "cpu", "gpu"):
        amount = freed.setdefault(cluster_id, [0, 0, 0])
        amount[0], amount[1], amount[2] = amount[0] + ram, amount[1] + cpu, amount[2] + gpu
    for cluster_id, (ram, cpu, gpu) in freed.items():
        Cluster.objects.filter(pk=cluster_id).update(
            allocated_ram=F("allocated_ram") - ram,
            allocated_cpu=F("allocated_cpu") - cpu,
            allocated_gpu=F("allocated_gpu") - gpu,
        )
    held.update(released_at=now)


def _told(run: Run, kind: str, *, old: str, to: str) -> DeploymentEvent:
    return event(run.deployment, kind, source=Source.RUNTIME, run_id=run.pk, data={"from": old, "to": to})
