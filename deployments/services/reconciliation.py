"""One reconcile pass of one cluster: read the books, look at the engine, do what `reconcile` says."""

from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from clusters import secrets
from clusters.drivers import driver_for
from clusters.locks import sole_reconciler
from clusters.models import Cluster
from clusters.runtimes.base import ContainerSpec, Driver, RuntimeFailure
from clusters.services import note_reachable, note_unreachable
from deployments.models import Run
from deployments.reconcile import Action, End, Expire, MarkRunning, Recorded, Remove, Signal, Start, reconcile
from deployments.services import runs as books
from deployments.services.ends import Refusal, record_ends
from deployments.states import Status

log = structlog.get_logger(__name__)
MISSES_ALLOWED = 3
ROUNDS = 3
"""A start or a stop is looked at again at once, since a quick engine has done it by then."""


def reconcile_cluster(*, cluster_id: int) -> bool:
    """Bring the cluster's books and its engine together. False if another worker is at it just now."""
    with sole_reconciler(cluster_id) as nobody_else:
        if nobody_else:
            _reconcile(Cluster.objects.get(pk=cluster_id))
    return nobody_else


def _reconcile(cluster: Cluster) -> None:
    try:
        driver = driver_for(cluster)
        for _ in range(ROUNDS):
            recorded = list(_recorded(cluster.pk))
            observed = driver.observe()
            if cluster.missed_observations:
                note_reachable(cluster_id=cluster.pk)
                cluster.missed_observations = 0
            actions = reconcile(recorded, observed, timezone.now())
            _perform(cluster, driver, actions)
            if not any(map(_may_be_done_at_once, actions)):
                return
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        log.warning("engine_does_not_answer", cluster_id=cluster.pk, error=str(failure))
        note_unreachable(cluster_id=cluster.pk, misses_allowed=MISSES_ALLOWED, problem=str(failure))


def _may_be_done_at_once(action: Action) -> bool:
    return isinstance(action, Start | Expire) or (isinstance(action, Signal) and action.first)


def _recorded(cluster_id: int) -> Iterable[Recorded]:
    rows: QuerySet[Any] = Run.objects.filter(cluster_id=cluster_id, outcome=None).values_list(
        "pk", "deployment__status", "running_at", "deployment__time_limit_seconds", "stop_signalled_at"
    )
    for pk, status, running_at, time_limit, signalled in rows:
        yield Recorded(pk, Run(pk=pk).container_name, Status(status), running_at, time_limit, signalled)


def _perform(cluster: Cluster, driver: Driver, actions: Sequence[Action]) -> None:
    """Write what the engine already did before asking it for more, so that capacity is free as early as can be."""
    ends = [action for action in actions if isinstance(action, End)]
    if ends:
        record_ends(cluster_id=cluster.pk, ends=ends)
        driver.remove_many(end.handle for end in ends if end.handle)
    if marks := [action for action in actions if isinstance(action, MarkRunning)]:
        books.record_running(cluster_id=cluster.pk, marks=marks)
    if expired := [action.run_id for action in actions if isinstance(action, Expire)]:
        books.expire_runs(cluster_id=cluster.pk, run_ids=expired)
    if signals := [action for action in actions if isinstance(action, Signal)]:
        _signal(cluster, driver, signals)
    if starts := [action.run_id for action in actions if isinstance(action, Start)]:
        _start(cluster, driver, starts)
    if strays := [action for action in actions if isinstance(action, Remove)]:
        _remove_orphans(cluster, driver, strays)


def _signal(cluster: Cluster, driver: Driver, signals: Sequence[Signal]) -> None:
    if first := [signal.run_id for signal in signals if signal.first]:
        books.record_signals(run_ids=first)
    grace = dict(
        Run.objects.filter(pk__in=[signal.run_id for signal in signals]).values_list(
            "pk", "deployment__grace_period_seconds"
        )
    )
    limit = cluster.max_grace_period_seconds
    failures = driver.stop_many(
        {signal.handle: min(limit, grace.get(signal.run_id, limit)) for signal in signals}
    )
    for handle, failure in failures.items():
        log.warning("stop_failed", cluster_id=cluster.pk, handle=handle, error=str(failure))


def _start(cluster: Cluster, driver: Driver, run_ids: Sequence[int]) -> None:
    # Read again: a run that was told to stop meanwhile must not be started any more.
    runs = Run.objects.filter(
        pk__in=run_ids, outcome=None, deployment__status=Status.STARTING
    ).prefetch_related("allocations")
    by_name = {run.container_name: run for run in runs}
    specs, refused = [], {}
    for name, run in by_name.items():
        try:
            specs.append(_spec(run))
        except secrets.UnreadableSecret as failure:
            refused[name] = f"Its secret_env cannot be read. {failure}"
    for name, answer in driver.start_many(specs).items():
        if isinstance(answer, RuntimeFailure):
            log.warning("start_failed", cluster_id=cluster.pk, container=name, error=str(answer))
            if answer.permanent:
                refused[name] = str(answer)
    if refused:
        refusals = [Refusal(by_name[name].pk, detail) for name, detail in refused.items()]
        record_ends(cluster_id=cluster.pk, ends=refusals)


def _remove_orphans(cluster: Cluster, driver: Driver, strays: Sequence[Remove]) -> None:
    live = {run.container_name for run in Run.objects.filter(cluster=cluster, outcome=None).only("pk")}
    orphans = [stray for stray in strays if stray.name not in live]
    for orphan in orphans:
        log.info("orphan_removed", cluster_id=cluster.pk, container=orphan.name)
    driver.remove_many(orphan.handle for orphan in orphans)


def _spec(run: Run) -> ContainerSpec:
    spec = run.spec
    allocation = run.allocations.all()[0]
    return ContainerSpec(
        name=run.container_name,
        image=spec["docker_image"],
        cpu_milli=allocation.cpu,
        ram_mib=allocation.ram,
        gpu_milli=allocation.gpu,
        command=tuple(spec["command"]),
        args=tuple(spec["args"]),
        env=spec["env"] | secrets.decrypt(spec["secret_env"]),
        working_dir=spec["working_dir"],
        labels=spec["labels"],
        device_ids=tuple(allocation.device_ids),
        simulated_seconds=spec["simulated_seconds"],
    )
