"""When the scheduler last ran, as one Redis key: a cycle that changes nothing writes no row."""

import time

from redis.exceptions import RedisError

from clusters.redis import redis_client

KEY = "scheduler:heartbeat"


def beat() -> None:
    """The scheduler is alive now."""
    redis_client().set(KEY, time.time())


def last() -> float | None:
    """Unix time of the last sign of life, or None if there was none or Redis does not answer."""
    try:
        value = redis_client().get(KEY)
    except RedisError:
        return None
    return float(value) if value else None
