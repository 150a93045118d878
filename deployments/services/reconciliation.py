"""One reconcile pass of clusters: read the books, look at each engine, do what `reconcile` says."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from django.conf import settings
from django.utils import timezone

from accounts import secrets
from clusters.drivers import driver_for
from clusters.locks import sole_reconcilers
from clusters.models import Cluster, Runtime
from clusters.runtimes.base import Driver, Observed, RuntimeFailure
from clusters.services import note_reachable, note_recovered, note_unreachable
from deployments import engine_away
from deployments.reconcile import (
    Action,
    Delay,
    End,
    Expire,
    GiveUp,
    Kill,
    MarkRunning,
    Patience,
    Remove,
    Signal,
    Start,
    reconcile,
)
from deployments.services import runs as books
from deployments.services.ends import Refusal, record_ends
from deployments.services.recorded import Books, read_books, without_the_unremarkable
from deployments.services.starting import start_runs
from deployments.services.tidying import keep_logs, remove_strays
from deployments.verdicts import Failure, failure_of

log = structlog.get_logger(__name__)
MISSES_ALLOWED = 3
ROUNDS = 3
"""A start or a stop is looked at again at once, since a quick engine has done it by then."""
DOUBT_SECONDS = 10
Kind = TypeVar("Kind", bound=Action)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an engine found, and what is to be done about it."""

    cluster: Cluster
    driver: Driver
    observed: Sequence[Observed]
    actions: Sequence[Action]
    was_away: bool


def reconcile_cluster(*, cluster_id: int, counts_misses: bool = True) -> bool:
    """As `reconcile_clusters`, for one. False if another worker is at it just now."""
    return not reconcile_clusters(cluster_ids=[cluster_id], counts_misses=lambda _: counts_misses)


def reconcile_clusters(*, cluster_ids: Collection[int], counts_misses: Callable[[int], bool]) -> set[int]:
    """Bring books and engines together; answers those that another worker is at just now.

    `counts_misses`: whether an engine that does not answer comes nearer to being called unreachable. Several clusters
    share the reading of the books, and wait for each other's engines: only for engines that answer at once.
    """
    with sole_reconcilers(cluster_ids) as mine:
        if mine:
            _reconcile(list(Cluster.objects.filter(pk__in=mine).order_by("pk")), counts_misses)
    return set(cluster_ids) - mine


def _reconcile(clusters: list[Cluster], counts_misses: Callable[[int], bool]) -> None:
    for _ in range(ROUNDS):
        # The books first: a run that is recorded as running and is not observed is lost.
        recorded = read_books(clusters)
        away = engine_away.since_each(cluster.engine_id for cluster in clusters)
        looks = [
            look
            for cluster in clusters
            if (look := _look(cluster, recorded[cluster.pk], away.get(cluster.engine_id), counts_misses))
        ]
        marks = {look.cluster.pk: found for look in looks if (found := _only(MarkRunning, look.actions))}
        if marks:
            books.record_running(marks=marks)
        clusters = [
            look.cluster
            for look in looks
            if _acted(look, counts_misses) and any(map(_may_be_done_at_once, look.actions))
        ]
        if not clusters:
            return


def _look(
    cluster: Cluster,
    recorded: Books,
    away_since: datetime | None,
    counts_misses: Callable[[int], bool],
) -> Look | None:
    try:
        driver = driver_for(cluster)
        if cluster.declared_lost_at is not None:
            _clear_out(cluster, driver)
            return None
        observed: Sequence[Observed] = driver.observe()
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        _note(cluster, failure, counts_misses)
        return None
    if cluster.missed_observations:
        note_reachable(cluster_id=cluster.pk)
        cluster.missed_observations = 0
    live, observed = without_the_unremarkable(cluster, recorded, observed)
    actions = reconcile(live, observed, timezone.now(), _patience(cluster), away_since=away_since)
    return Look(cluster, driver, observed, actions, away_since is not None)


def _acted(look: Look, counts_misses: Callable[[int], bool]) -> bool:
    try:
        _perform(look.cluster, look.driver, look.actions, look.observed)
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        _note(look.cluster, failure, counts_misses)
        return False
    if look.was_away:
        engine_away.forget(look.cluster.engine_id)
    return True


def _note(cluster: Cluster, failure: Exception, counts_misses: Callable[[int], bool]) -> None:
    log.warning("engine_does_not_answer", cluster_id=cluster.pk, error=str(failure))
    engine_away.note(cluster.engine_id)
    if counts_misses(cluster.pk):
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


def _perform(
    cluster: Cluster, driver: Driver, actions: Sequence[Action], observed: Sequence[Observed]
) -> None:
    """Write what the engine already did before asking it for more, so that capacity is free as early as can be.

    All but what runs now, which is written for all clusters of a pass at once.
    """
    if ends := _only(End, actions):
        record_ends(cluster_id=cluster.pk, ends=ends)
    if delays := _only(Delay, actions):
        books.record_delays(cluster_id=cluster.pk, delays=delays)
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
        books.record_signals(cluster_id=cluster.pk, run_ids=first)
    failures = driver.stop_many({signal.handle: signal.grace_seconds for signal in signals})
    delivered = [signal.run_id for signal in signals if signal.handle not in failures]
    books.record_deliveries(cluster_id=cluster.pk, run_ids=delivered)
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
