"""What the books say of the live runs of clusters, read so that thousands that only run on cost next to nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, F, Q, QuerySet, When

from clusters.models import Cluster, Runtime
from clusters.runtimes.base import Observed, Phase
from deployments.models import Run, container_name_of
from deployments.reconcile import Recorded
from deployments.states import Status

STATUSES = {status.value: status for status in Status}
RUNS_ON = Q(deployment__status=Status.RUNNING, deployment__time_limit_seconds=None)
"""Nothing is done about such a run as long as its engine runs it."""


@dataclass(frozen=True, slots=True)
class Books:
    """The live runs of one cluster: ids of those that run on, and all that there is to know of the others."""

    running: Sequence[int] = ()
    others: list[Recorded] = field(default_factory=list)


def read_books(clusters: Sequence[Cluster]) -> dict[int, Books]:
    """Cluster → its live runs, in two queries."""
    live = Run.objects.filter(cluster__in=clusters, outcome=None)
    running = live.filter(RUNS_ON).order_by().values_list("cluster_id").annotate(ids=ArrayAgg("pk"))
    # Those that run on first: whoever is told to stop in between is in both, and not in neither.
    ids = dict(running)
    others = _recorded(live.exclude(RUNS_ON), {cluster.pk: cluster for cluster in clusters})
    return {cluster.pk: Books(ids.get(cluster.pk, ()), others[cluster.pk]) for cluster in clusters}


def without_the_unremarkable(
    cluster: Cluster, books: Books, observed: Sequence[Observed]
) -> tuple[list[Recorded], list[Observed]]:
    """What is left of books and look when each run that runs on, and that the engine runs, is left out of both."""
    told = {run.run_id for run in books.others}
    expected = {container_name_of(id_): id_ for id_ in books.running if id_ not in told}
    left = []
    for container in observed:
        if container.phase is not Phase.RUNNING or expected.pop(container.name, None) is None:
            left.append(container)
    if not expected:
        return books.others, left
    # Read anew: what the engine does not run any more may have been told to stop meanwhile.
    missing = Run.objects.filter(pk__in=list(expected.values()), outcome=None)
    return books.others + _recorded(missing, {cluster.pk: cluster})[cluster.pk], left


def _recorded(runs: QuerySet[Any], clusters: Mapping[int, Cluster]) -> dict[int, list[Recorded]]:
    # A time is dear to read, so each is asked for only where it matters.
    when_booked = Case(When(deployment__status=Status.STARTING, then=F("booked_at")))
    when_running = Case(When(deployment__time_limit_seconds__isnull=False, then=F("running_at")))
    found: dict[int, list[Recorded]] = defaultdict(list)
    rows = runs.values_list(
        "cluster_id", "pk", "deployment__status", when_booked, "image_ready_at", when_running,
        "deployment__time_limit_seconds", "deployment__grace_period_seconds", "stop_signalled_at",
        "stop_delivered_at", "failure", "detail",
    )  # fmt: skip
    for id_, pk, status, booked, ready, running, limit, grace, signalled, delivered, failure, detail in rows:
        cluster = clusters[id_]
        starting = ready if cluster.runtime == Runtime.DOCKER else booked
        found[id_].append(
            Recorded(
                pk, container_name_of(pk), STATUSES[status], starting, running, limit,
                min(cluster.max_grace_period_seconds, grace), signalled, delivered, failure, detail,
            )
        )  # fmt: skip
    return found
