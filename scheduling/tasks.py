"""The beat's sweep, and the cycles that workers run for it and for hints."""

from collections.abc import Sequence

import structlog
from celery import shared_task

from deployments.services.booking import StalePlan
from scheduling import heartbeat, refusals, rollups, simulation_services
from scheduling.hints import wakeups
from scheduling.selectors import clusters_with_waiting
from scheduling.services import NOTHING_DONE, run_cycle

log = structlog.get_logger(__name__)


@shared_task(name="scheduling.sweep")
def sweep() -> None:
    """Every SCHEDULER_INTERVAL_SECONDS: a cycle for each cluster where anybody waits, shared out to the workers."""
    heartbeat.beat()
    wakeups.send(clusters_with_waiting(), swept=True)


@shared_task(name="scheduling.run_cycles")
def run_cycles(cluster_ids: list[int] | None = None) -> None:
    """One cycle of these clusters, or of those that wait for one; later again of those that somebody held."""
    ids = wakeups.take() if cluster_ids is None else cluster_ids
    wakeups.again(_run(ids))
    heartbeat.beat()


def _run(ids: Sequence[int]) -> Sequence[int]:
    """Answers those that are to be planned again."""
    try:
        return run_cycle(cluster_ids=ids).locked if ids else ()
    except NOTHING_DONE as problem:
        if len(ids) > 1:
            # One by one, so that one restless cluster, or a bad plan for one, does not stop the others.
            return [missed for id_ in ids for missed in _run([id_])]
        if isinstance(problem, StalePlan):
            return ids
        log.error("plan_refused", cluster_id=ids[0], error=str(problem))
        refusals.note(cluster_id=ids[0], told=str(problem))
        return ()


@shared_task(name=simulation_services.TASK, time_limit=simulation_services.TIME_LIMIT_SECONDS)
def simulate(simulation_id: int) -> None:
    """Carry one simulation out: minutes of one process, so there is never more than one."""
    simulation_services.carry_out(simulation_id=simulation_id)


@shared_task(name="scheduling.roll_up")
def roll_up() -> None:
    """Write down the minutes that are over; see `rollups`."""
    rollups.roll_up()


@shared_task(name="scheduling.prune_rollups")
def prune_rollups() -> None:
    """Delete the minutes and hours that are older than is kept."""
    rollups.prune()
