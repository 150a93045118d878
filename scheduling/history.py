"""An installation's own past as a workload: what ran on one cluster, read from its deployments and their runs."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, Sum

from clusters.models import Cluster
from clusters.sharing.selectors import weights_by_cluster
from deployments.models import Dependency, Deployment, DeploymentEvent, Outcome, Run
from deployments.states import Status
from scheduling.durations import Kind, usual_seconds
from scheduling.models import ClusterPolicy
from scheduling.policies import weights_of
from scheduling.simulation.workload import SECOND, Job, Workload
from scheduling.snapshot import microseconds

ENDED = (Outcome.COMPLETED, Outcome.FAILED, Outcome.STOPPED)
"""Ends that are the run's own or its user's: it ran as long as it would have run anywhere."""


def workload_of(cluster: Cluster, *, since: datetime, until: datetime) -> Workload:
    """All that was queued on this cluster from `since` until before `until`, and ran to its end, whosever it is.

    A job is a run that ended by itself or by its user's stop, and lasts as long as it held its capacity. It is
    submitted when its deployment was queued for it, when the run before it had failed, or when the last of what it
    waited for had ended, whichever is latest. Runs that were preempted or lost are no jobs: their deployment's last run
    is. Names of organizations and users are not read. Weights of shares and what is usual for an image count as now.
    """
    runs = _ended_runs(cluster, since, until)
    queued = _queued(runs)
    met = _dependencies_met(runs)
    usual = usual_seconds({(run["organization_id"], run["deployment__docker_image"]) for run in runs})
    jobs, before = [], 0
    for run in runs:
        moments = [at for at in queued[run["deployment_id"]] if at <= run["booked_at"]]
        moments += [at for at in met[run["deployment_id"]] if at <= run["booked_at"]]
        submitted = max(moments, default=run["booked_at"])
        if submitted < since:
            before += 1
        elif submitted < until:
            jobs.append(_job(run, submitted, usual))
    left_out = {"were queued before the range": before} | _others(cluster, since, until)
    days = (until - since).total_seconds() / 86_400
    made = Workload.of(
        f"{cluster.name}, the last {f'{days:g} days' if days != 1 else 'day'}",
        tuple(cluster.total),
        jobs,
        left_out,
    )
    return replace(
        made,
        weights=weights_by_cluster([cluster.pk]).get(cluster.pk, {}),
        user_weights=weights_of(ClusterPolicy.objects.filter(cluster=cluster).first()),
    )


def _ended_runs(cluster: Cluster, since: datetime, until: datetime) -> list[Any]:
    return list(
        Run.objects.filter(cluster=cluster, outcome__in=ENDED, ended_at__gte=since, booked_at__lt=until)
        .annotate(gpu=Sum("allocations__gpu"), cpu=Sum("allocations__cpu"), ram=Sum("allocations__ram"))
        .order_by("booked_at", "pk")
        .values(
            "pk", "deployment_id", "organization_id", "priority", "booked_at", "ended_at", "gpu", "cpu", "ram",
            "deployment__created_by_id", "deployment__queued_at", "deployment__created_at",
            "deployment__expected_seconds", "deployment__docker_image",
            "deployment__checkpoint_interval_seconds",
        )
    )  # fmt: skip


def _queued(runs: Sequence[Any]) -> dict[int, list[datetime]]:
    """Deployment → all moments at which it was queued for another run."""
    found: dict[int, list[datetime]] = defaultdict(list)
    for run in runs:
        # The end of an earlier one queues a retry; it comes before its successor's booking, and after its own.
        found[run["deployment_id"]] += [
            run["deployment__created_at"],
            run["deployment__queued_at"],
            run["ended_at"],
        ]
    anew = DeploymentEvent.objects.filter(deployment_id__in=list(found), kind="requeued")
    for id_, at in anew.values_list("deployment_id", "at"):
        found[id_].append(at)
    return found


def _dependencies_met(runs: Sequence[Any]) -> dict[int, list[datetime]]:
    ids = {run["deployment_id"] for run in runs}
    last = (
        Dependency.objects.filter(deployment_id__in=ids, depends_on__ended_at__isnull=False)
        .values("deployment_id")
        .annotate(met=Max("depends_on__ended_at"))
        .values_list("deployment_id", "met")
    )
    found: dict[int, list[datetime]] = defaultdict(list)
    for id_, at in last:
        found[id_].append(at)
    return found


def _job(run: Any, submitted: datetime, usual: Mapping[Kind, float]) -> Job:
    expected, checkpoint = run["deployment__expected_seconds"], run["deployment__checkpoint_interval_seconds"]
    if expected is None:
        expected = usual.get((run["organization_id"], run["deployment__docker_image"]))
    return Job(
        name=str(run["pk"]),
        submit=microseconds(submitted),
        duration=max(1, microseconds(run["ended_at"]) - microseconds(run["booked_at"])),
        need=(run["gpu"] or 0, run["cpu"] or 0, run["ram"] or 0),
        priority=run["priority"],
        organization=run["organization_id"],
        user=run["deployment__created_by_id"] or 0,
        expected=None if expected is None else round(expected * SECOND),
        checkpoint=checkpoint * SECOND if checkpoint else None,
    )


def _others(cluster: Cluster, since: datetime, until: datetime) -> dict[str, int]:
    """Those queued in the range that give no job, by why."""
    rows = (
        Deployment.objects.filter(cluster=cluster, queued_at__gte=since, queued_at__lt=until)
        .exclude(Q(runs__cluster=cluster, runs__outcome__in=ENDED))
        .values_list("status", flat=True)
    )
    counted = Counter("still run" if status in RUNNING else WORDS.get(status, "never ran") for status in rows)
    return dict(sorted(counted.items()))


RUNNING = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING})
WORDS = {
    Status.PENDING: "still wait",
    Status.CANCELLED: "were cancelled before they ran",
    Status.FAILED: "failed after they were lost too often",
}
