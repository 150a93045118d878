"""The one Redis client of a process: hints, heartbeats and the simulator. Short time-outs, one retry."""

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 2.0


@cache
def redis_client() -> Redis:
    """A thread-safe client with a connection pool. Nothing connects before the first call."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(ConstantBackoff(0.05), 1),
        decode_responses=False,
    )
