"""When the scheduler last ran, as one Redis key: a cycle that changes nothing writes no row."""

import time

import structlog
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
KEY = "scheduler:heartbeat"


def beat() -> None:
    """The scheduler is alive now. Never raises: a heartbeat that cannot be stored is missed by the next look."""
    try:
        redis_client().set(KEY, time.time())
    except RedisError as error:
        log.warning("heartbeat_lost", error=str(error))


def last() -> float | None:
    """Unix time of the last sign of life, or None if there was none or Redis does not answer."""
    try:
        value = redis_client().get(KEY)
    except RedisError:
        return None
    return float(value) if value else None
