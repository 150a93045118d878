"""Made-up pasts of clusters, row by row, and what their minutes must say: added up the slow way, in plain Python."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import Any

from clusters.models import Cluster
from deployments.models import Allocation, Deployment, DeploymentEvent, Outcome, Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from scheduling.models import EvictionCertificate
from scheduling.wait_histogram import BOUNDS, BUCKETS, PLACES

MINUTE = timedelta(minutes=1)


def invent(dice: Random, clusters: list[Cluster], users: list[Any], since: datetime, minutes: int) -> None:
    """Runs that began within and after the span, ended or not; evictions; some queued anew between two runs."""

    def moment(low: float = 0, high: float = 1.1) -> datetime:
        return since + timedelta(microseconds=round(dice.uniform(low, high) * minutes * 60e6))

    for _ in range(dice.randrange(5, 25)):
        cluster = dice.choice(clusters)
        deployment = DeploymentFactory(
            cluster=cluster, created_by=dice.choice(users), status=Status.RUNNING, priority=dice.choice((1, 2, 3)),
            gpu=dice.choice((0, 0.5, 1, 8)), cpu=dice.randrange(5), ram=dice.randrange(9),
        )  # fmt: skip
        times = sorted(moment() for _ in range(2 * dice.randrange(1, 4) + 1))
        Deployment.objects.filter(pk=deployment.pk).update(created_at=times[0])
        if len(times) > 3 and dice.random() < 0.5:
            event = DeploymentEvent.objects.create(
                deployment=deployment, organization=deployment.organization, kind="requeued", source="user"
            )
            DeploymentEvent.objects.filter(pk=event.pk).update(
                at=times[2] + (times[3] - times[2]) * dice.random()
            )
        for booked, ended in zip(times[1::2], times[2::2], strict=True):
            is_live = ended == times[-1] and dice.random() < 0.4
            _run(deployment, booked, None if is_live else ended, dice.choice(Outcome.values))
    for _ in range(dice.randrange(6)):
        cluster = dice.choice(clusters)
        EvictionCertificate.objects.create(
            cluster=cluster, organization=cluster.organization, at=moment(), policy="two_phase",
            victims=dice.randrange(1, 5), lost_seconds=dice.uniform(0, 9999),
            numbers={"work_resource": dice.choice((0, 0, 1))},
        )  # fmt: skip


def _run(deployment: Deployment, booked: datetime, ended: datetime | None, outcome: str) -> None:
    run = Run.objects.create(
        deployment=deployment, organization=deployment.organization, cluster=deployment.cluster,
        priority=deployment.priority, booked_at=booked, ended_at=ended, outcome=outcome if ended else None,
    )  # fmt: skip
    gpu, cpu, ram = deployment.required
    Allocation.objects.create(
        run=run, cluster=deployment.cluster, gpu=gpu, cpu=cpu, ram=ram, released_at=ended
    )


def pasts() -> dict[int, list[dict[str, Any]]]:
    """Cluster → its runs, each with what it held and how long its deployment had waited for it."""
    runs = Run.objects.order_by("pk").select_related("deployment").prefetch_related("allocations")
    queued_anew = DeploymentEvent.objects.filter(kind="requeued").values_list("deployment_id", "at")
    moments: dict[int, list[datetime]] = defaultdict(list)
    for id_, at in queued_anew:
        moments[id_].append(at)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        known = moments[run.deployment_id]
        before = [at for at in (run.deployment.created_at, *known) if at <= run.booked_at]
        (held,) = run.allocations.all()
        found[run.cluster_id].append(
            {"run": run, "held": held, "waited": (run.booked_at - max(before)).total_seconds()}
        )
        if run.ended_at:
            known.append(run.ended_at)
    return found


def overlap(run: Run, since: datetime, until: datetime) -> float:
    """Seconds of the run within the span."""
    last = min(run.ended_at, until) if run.ended_at else until
    return max(0.0, (last - max(run.booked_at, since)).total_seconds())


def expected(
    cluster_id: int, past: list[dict[str, Any]], at: datetime, span: timedelta = MINUTE
) -> dict[str, Any]:
    """What the row of this span must say of the cluster, its size and its queue aside."""
    until = at + span
    told: Counter[str] = Counter()
    waits = [0] * PLACES
    for one in past:
        run, held = one["run"], one["held"]
        seconds = overlap(run, at, until)
        told[f"gpu_seconds_{('low', 'medium', 'high')[run.priority - 1]}"] += held.gpu / 1000 * seconds
        told["cpu_seconds"] += held.cpu / 1000 * seconds
        told["ram_gb_seconds"] += held.ram / 1024 * seconds
        if at <= run.booked_at < until:
            told["starts"] += 1
            waits[BUCKETS * (run.priority - 1) + sum(bound <= one["waited"] for bound in BOUNDS)] += 1
        if run.ended_at and at <= run.ended_at < until:
            told["ends"] += 1
            told["failures"] += run.outcome == Outcome.FAILED
    for evicted in EvictionCertificate.objects.filter(cluster=cluster_id, at__gte=at, at__lt=until):
        told["preemptions"] += evicted.victims
        told["gpu_seconds_lost"] += evicted.lost_seconds if evicted.numbers["work_resource"] == 0 else 0
    return {**told, "waits": waits if told["starts"] else []}
