"""Simulations of a cluster's past: asked for by an operator, carried out by a worker, given up where it fell silent."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from celery import current_app
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts import audit
from accounts.errors import Conflict, Forbidden, InvalidInput
from accounts.models import User
from clusters.models import Cluster
from scheduling import simulating
from scheduling.core.policy import Policy
from scheduling.history import workload_of
from scheduling.models import OPEN_SIMULATION, Simulation, SimulationState
from scheduling.planning import unmoving_view
from scheduling.simulation import chart, tables
from scheduling.simulation.outcome import Outcome, as_json
from scheduling.simulation.policies import BadPolicy
from scheduling.simulation.workload import Workload
from scheduling.simulation_policies import named

log = structlog.get_logger(__name__)
TASK = "scheduling.simulate"
TIME_LIMIT_SECONDS = 3600
SILENT = timedelta(minutes=10)
"""A worker tells its progress each second or so; one that said nothing for so long is gone."""
EXPIRES_SECONDS = 540
"""A task that no worker took meanwhile is dropped, before its simulation counts as silent."""
MOST_POLICIES = 8
WINDOW_SECONDS, GRACE_SECONDS = 60.0, 0.0


def ask_simulation(*, actor: User, cluster_id: int, days: int, texts: Sequence[str]) -> Simulation:
    """Queue a simulation of the last `days` of this cluster under these policies. Operators only, one at a time.

    Raises Forbidden, InvalidInput, and Conflict while another one is open.
    """
    if not actor.is_superuser:
        raise Forbidden("Only operators of this installation may simulate: a past tells of all its tenants.")
    _parsed(texts)
    cluster = Cluster.objects.filter(pk=cluster_id, deleted_at=None).first()
    if cluster is None:
        raise InvalidInput({"cluster": "There is no such cluster."})
    give_up_silent()
    if running := Simulation.objects.filter(state__in=OPEN_SIMULATION).first():
        raise Conflict(f"Another one is at work: {running}. Wait for it, or give it up on its page.")
    try:
        with transaction.atomic():
            made: Simulation = Simulation.objects.create(
                cluster=cluster, asked_by=actor, days=days, policies=list(texts), told_at=timezone.now()
            )
            audit.record(
                actor_id=actor.pk,
                action="simulation.asked",
                target=f"simulation:{made.pk}",
                organization_id=cluster.organization_id,
                detail={"cluster_id": cluster.pk, "days": days, "policies": list(texts)},
            )
    except IntegrityError as error:
        raise Conflict("Another one was asked for in this moment. Wait for it.") from error
    transaction.on_commit(lambda: _send(made.pk))
    return made


def give_up(*, actor: User, simulation_id: int) -> None:
    """End an open simulation; its worker stops at its next word. Raises Conflict."""
    if not _close(simulation_id, SimulationState.FAILED, error=f"Given up by {actor.username}."):
        raise Conflict("It has ended already.")
    audit.record(actor_id=actor.pk, action="simulation.given_up", target=f"simulation:{simulation_id}")


def give_up_silent() -> None:
    """End those whose worker is gone."""
    Simulation.objects.filter(state__in=OPEN_SIMULATION, told_at__lt=timezone.now() - SILENT).update(
        state=SimulationState.FAILED, error="Its worker fell silent. Ask again."
    )


def carry_out(*, simulation_id: int) -> None:
    """In a worker: do it, telling the progress, and store what came of it. Does nothing where it is not queued."""
    if not _claim(simulation_id):
        return
    simulation = Simulation.objects.select_related("cluster").get(pk=simulation_id)
    try:
        result = _result(simulation)
    except simulating.Stopped:
        return
    except Exception as problem:
        log.exception("simulation_failed", simulation_id=simulation_id)
        said = str(problem) if isinstance(problem, InvalidInput | Conflict) else f"It failed: {problem!r}"
        _close(simulation_id, SimulationState.FAILED, error=said[:500])
    else:
        _close(simulation_id, SimulationState.DONE, result=result, progress=100)


def _claim(simulation_id: int) -> bool:
    queued = Simulation.objects.filter(pk=simulation_id, state=SimulationState.QUEUED)
    try:
        with transaction.atomic():
            return bool(queued.update(state=SimulationState.RUNNING, told_at=timezone.now()))
    except IntegrityError:
        _close(simulation_id, SimulationState.FAILED, error="Another one was at work. Ask again after it.")
        return False


def _result(simulation: Simulation) -> dict[str, Any]:
    chosen = _parsed(simulation.policies)
    since = simulation.asked_at - timedelta(days=simulation.days)
    with unmoving_view():
        workload = workload_of(simulation.cluster, since=since, until=simulation.asked_at)
    if not workload.jobs:
        raise Conflict(
            "Nothing that was queued here in this range has run to its end, so there is nothing to replay."
        )
    outcomes = simulating.compare(
        workload,
        chosen,
        window_seconds=WINDOW_SECONDS,
        grace_seconds=GRACE_SECONDS,
        progress=_Teller(simulation.pk, len(chosen)),
    )
    return _stored(workload, outcomes)


def _stored(workload: Workload, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    how = {"window_seconds": WINDOW_SECONDS, "grace_seconds": GRACE_SECONDS}
    return {
        "figures": as_json(workload, outcomes, **how),
        "said": [*tables.said(workload, **how), *tables.unfinished(outcomes)],
        "by_policy": tables.by_policy(workload, outcomes),
        "by_priority": tables.by_priority(workload, outcomes),
        "use": chart.use_over_time(workload, outcomes),
        "waiting": chart.waiting_over_time(workload, outcomes),
    }


class _Teller:
    """Writes the progress, at most once a second; gives the comparison up where the simulation was."""

    def __init__(self, simulation_id: int, policies: int) -> None:
        self._rows = Simulation.objects.filter(pk=simulation_id, state=SimulationState.RUNNING)
        self._policies = policies
        self._last = 0.0

    def __call__(self, shares: simulating.Shares) -> None:
        now = time.monotonic()
        if now - self._last < 1:
            return
        self._last = now
        percent = min(99, int(100 * sum(shares) / self._policies))
        if not self._rows.update(progress=percent, told_at=timezone.now()):
            raise simulating.Stopped


def _parsed(texts: Sequence[str]) -> list[Policy]:
    if not 1 <= len(texts) <= MOST_POLICIES:
        raise InvalidInput({"policies": f"Choose from one to {MOST_POLICIES} policies."})
    try:
        return named(texts)
    except BadPolicy as error:
        raise InvalidInput({"policies": str(error)}) from error


def _close(simulation_id: int, state: SimulationState, **values: Any) -> bool:
    open_one = Simulation.objects.filter(pk=simulation_id, state__in=OPEN_SIMULATION)
    return bool(open_one.update(state=state, told_at=timezone.now(), **values))


def _send(simulation_id: int) -> None:
    try:
        current_app.send_task(TASK, args=[simulation_id], expires=EXPIRES_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("simulation_not_sent", simulation_id=simulation_id, error=str(error))
        _close(simulation_id, SimulationState.FAILED, error="The broker does not answer. Ask again later.")
