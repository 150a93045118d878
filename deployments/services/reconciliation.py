"""One reconcile pass of one cluster: read the books, look at the engine, do what `reconcile` says."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from clusters import secrets
from clusters.drivers import driver_for
from clusters.locks import sole_reconciler
from clusters.models import Cluster, Runtime
from clusters.runtimes.base import Driver, Observed, RuntimeFailure
from clusters.services import note_reachable, note_recovered, note_unreachable
from deployments import engine_away
from deployments.models import Run
from deployments.reconcile import (
    Action,
    Delay,
    End,
    Expire,
    GiveUp,
    Kill,
    MarkRunning,
    Patience,
    Recorded,
    Remove,
    Signal,
    Start,
    reconcile,
)
from deployments.services import runs as books
from deployments.services.ends import Refusal, record_ends
from deployments.services.starting import start_runs
from deployments.services.tidying import keep_logs, remove_strays
from deployments.states import Status
from deployments.verdicts import Failure, failure_of

log = structlog.get_logger(__name__)
MISSES_ALLOWED = 3
ROUNDS = 3
"""A start or a stop is looked at again at once, since a quick engine has done it by then."""
DOUBT_SECONDS = 10
Kind = TypeVar("Kind", bound=Action)


def reconcile_cluster(*, cluster_id: int, counts_misses: bool = True) -> bool:
    """Bring the cluster's books and its engine together. False if another worker is at it just now.

    `counts_misses`: whether an engine that does not answer comes nearer to being called unreachable.
    """
    with sole_reconciler(cluster_id) as nobody_else:
        if nobody_else:
            _reconcile(Cluster.objects.get(pk=cluster_id), counts_misses=counts_misses)
    return nobody_else


def _reconcile(cluster: Cluster, *, counts_misses: bool) -> None:
    try:
        driver = driver_for(cluster)
        if cluster.declared_lost_at is not None:
            _clear_out(cluster, driver)
            return
        for _ in range(ROUNDS):
            recorded = list(_recorded(cluster))
            observed = driver.observe()
            if cluster.missed_observations:
                note_reachable(cluster_id=cluster.pk)
                cluster.missed_observations = 0
            away_since = engine_away.since(cluster.engine_id)
            actions = reconcile(recorded, observed, timezone.now(), _patience(cluster), away_since=away_since)
            _perform(cluster, driver, actions, observed)
            if away_since is not None:
                engine_away.forget(cluster.engine_id)
            if not any(map(_may_be_done_at_once, actions)):
                return
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        log.warning("engine_does_not_answer", cluster_id=cluster.pk, error=str(failure))
        engine_away.note(cluster.engine_id)
        if counts_misses:
            note_unreachable(cluster_id=cluster.pk, misses_allowed=MISSES_ALLOWED, problem=str(failure))


def _clear_out(cluster: Cluster, driver: Driver) -> None:
    """It answers again after it was given up: nothing starts there before all of ours is gone."""
    observed = driver.observe()
    if observed:
        keep_logs(driver=driver, observed=observed)
        _report(cluster, "remove_failed", driver.remove_many(seen.handle for seen in observed))
        observed = driver.observe()
    if not observed:
        note_recovered(cluster_id=cluster.pk)


def _patience(cluster: Cluster) -> Patience:
    # A simulated container writes the same log whenever it is asked: there is nothing to keep it for.
    keep = 0 if cluster.runtime == Runtime.SIMULATED else settings.KEEP_ENDED_SECONDS
    # Docker still answers while it shuts down and ends its containers.
    doubt = DOUBT_SECONDS if cluster.runtime == Runtime.DOCKER else 0
    return Patience(*(timedelta(seconds=lasts) for lasts in (settings.START_TIMEOUT_SECONDS, keep, doubt)))


def _may_be_done_at_once(action: Action) -> bool:
    return isinstance(action, Start | Expire | Kill) or (isinstance(action, Signal) and action.first)


def _recorded(cluster: Cluster) -> Iterable[Recorded]:
    rows: QuerySet[Any] = Run.objects.filter(cluster=cluster, outcome=None).values_list(
        "pk", "deployment__status", "booked_at", "image_ready_at", "running_at", "deployment__time_limit_seconds",
        "deployment__grace_period_seconds", "stop_signalled_at", "stop_delivered_at", "failure", "detail",
    )  # fmt: skip
    most, pulls = cluster.max_grace_period_seconds, cluster.runtime == Runtime.DOCKER
    for pk, status, booked, ready, running, limit, grace, signalled, delivered, failure, detail in rows:
        yield Recorded(
            pk, Run(pk=pk).container_name, Status(status), ready if pulls else booked, running, limit,
            min(most, grace), signalled, delivered, failure, detail,
        )  # fmt: skip


def _perform(
    cluster: Cluster, driver: Driver, actions: Sequence[Action], observed: Sequence[Observed]
) -> None:
    """Write what the engine already did before asking it for more, so that capacity is free as early as can be."""
    if ends := _only(End, actions):
        record_ends(cluster_id=cluster.pk, ends=ends)
    if marks := _only(MarkRunning, actions):
        books.record_running(cluster_id=cluster.pk, marks=marks)
    if delays := _only(Delay, actions):
        books.record_delays(delays=delays)
    if expired := _only(Expire, actions):
        books.expire_runs(cluster_id=cluster.pk, run_ids=[action.run_id for action in expired])
    if signals := _only(Signal, actions):
        _signal(cluster, driver, signals)
    if kills := _only(Kill, actions):
        _report(cluster, "kill_failed", driver.stop_many({kill.handle: 0 for kill in kills}))
    if stuck := _only(GiveUp, actions):
        _give_up(cluster, driver, stuck)
    if starts := _only(Start, actions):
        start_runs(cluster=cluster, driver=driver, run_ids=[action.run_id for action in starts])
    keep_logs(driver=driver, observed=observed)
    if strays := _only(Remove, actions):
        remove_strays(cluster=cluster, driver=driver, strays=strays)


def _only(kind: type[Kind], actions: Sequence[Action]) -> list[Kind]:
    return [action for action in actions if isinstance(action, kind)]


def _signal(cluster: Cluster, driver: Driver, signals: Sequence[Signal]) -> None:
    if first := [signal.run_id for signal in signals if signal.first]:
        books.record_signals(run_ids=first)
    failures = driver.stop_many({signal.handle: signal.grace_seconds for signal in signals})
    books.record_deliveries(run_ids=[signal.run_id for signal in signals if signal.handle not in failures])
    _report(cluster, "stop_failed", failures)


def _give_up(cluster: Cluster, driver: Driver, stuck: Sequence[GiveUp]) -> None:
    """What the engine has of it goes first: what the books free must be free."""
    failures = driver.remove_many(action.handle for action in stuck if action.handle)
    _report(cluster, "remove_failed", failures)
    gone = [action for action in stuck if action.handle not in failures]
    refusals = [
        Refusal(
            action.run_id,
            action.detail or "The engine did not bring it up in time.",
            failure_of(action.cause) or Failure.START_TIMEOUT,
        )
        for action in gone
    ]
    record_ends(cluster_id=cluster.pk, ends=refusals)


def _report(cluster: Cluster, what: str, failures: dict[str, RuntimeFailure]) -> None:
    for handle, failure in failures.items():
        log.warning(what, cluster_id=cluster.pk, handle=handle, error=str(failure))
