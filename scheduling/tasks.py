"""The beat's sweep, and the cycles that workers run for it and for hints."""

import structlog
from celery import shared_task

from deployments.services.booking import OverBooked, StalePlan
from scheduling import heartbeat, simulation_services
from scheduling.core.invariants import InvariantBroken
from scheduling.hints import wakeups
from scheduling.selectors import batches_with_waiting
from scheduling.services import run_cycle

log = structlog.get_logger(__name__)


@shared_task(name="scheduling.sweep")
def sweep() -> None:
    """Every SCHEDULER_INTERVAL_SECONDS: a cycle for each cluster where anybody waits, fanned out to the workers."""
    heartbeat.beat()
    for cluster_ids in batches_with_waiting():
        wakeups.send(cluster_ids)


@shared_task(name="scheduling.run_cycles")
def run_cycles(cluster_ids: list[int]) -> None:
    """One cycle of these clusters; asked for again where a hint came meanwhile or somebody held the lock."""
    seen = wakeups.begin(cluster_ids)
    missed: list[int] = []
    try:
        missed += run_cycle(cluster_ids=cluster_ids).locked
    except (StalePlan, InvariantBroken, OverBooked) as problem:
        if len(cluster_ids) > 1:
            # One by one, so that one restless cluster, or a bad plan for one, does not stop the others.
            for cluster_id in cluster_ids:
                run_cycles([cluster_id])
            return
        if isinstance(problem, StalePlan):
            missed += cluster_ids
        else:
            log.error("plan_refused", cluster_id=cluster_ids[0], error=str(problem))
    heartbeat.beat()
    wakeups.again(seen, missed=missed)


@shared_task(name=simulation_services.TASK, time_limit=simulation_services.TIME_LIMIT_SECONDS)
def simulate(simulation_id: int) -> None:
    """Carry one simulation out: minutes of one process, so there is never more than one."""
    simulation_services.carry_out(simulation_id=simulation_id)
