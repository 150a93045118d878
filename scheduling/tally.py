"""Running totals of all cycles, kept in Redis: the workers that run cycles answer no scrape themselves."""

from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from clusters.redis import redis_client
from scheduling.core.state import Plan

log = structlog.get_logger(__name__)
KEY = "scheduler:tally"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram of batch times, in seconds."""


def count(plan: Plan, seconds: float) -> None:
    """Add one batch. Never raises: a figure less is better than a cycle less."""
    outcomes = {
        "scheduled": sum(decided.scheduled for decided in plan.clusters),
        "preempted": sum(decided.preempted for decided in plan.clusters),
        "cycles": len(plan.clusters),
        "batches": 1,
        f"bucket:{next((bound for bound in BUCKETS if seconds <= bound), '+Inf')}": 1,
    }
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for name, amount in outcomes.items():
                if amount:
                    pipe.hincrby(KEY, name, amount)
            pipe.hincrbyfloat(KEY, "seconds", seconds)
            pipe.execute()
    except RedisError as error:
        log.warning("tally_lost", error=str(error))


def count_refusal() -> None:
    """Add one plan that the check refused: a fault of the planner, and nothing was written. Never raises."""
    try:
        redis_client().hincrby(KEY, "refused", 1)
    except RedisError as error:
        log.warning("tally_lost", error=str(error))


def read() -> Mapping[str, float]:
    """The totals so far; empty if Redis does not answer."""
    try:
        totals: dict[bytes, bytes] = redis_client().hgetall(KEY)  # type: ignore[assignment]
        return {name.decode(): float(value) for name, value in totals.items()}
    except RedisError:
        return {}
