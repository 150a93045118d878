"""A Redis cache that forgets instead of failing: an outage of Redis must not answer 500."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class ForgivingRedisCache(RedisCache):
    """Like RedisCache; when Redis does not answer, reads miss and writes are dropped."""

    def _forgive(self, call: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return call()
        except RedisError as error:
            log.warning("cache_unavailable", error=str(error))
            return otherwise

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._forgive(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Any, version: int | None = None) -> Any:
        return self._forgive(lambda: super(ForgivingRedisCache, self).get_many(keys, version), {})

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._forgive(lambda: super(ForgivingRedisCache, self).set(*args, **kwargs), None)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._forgive(lambda: super(ForgivingRedisCache, self).add(*args, **kwargs), True))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._forgive(lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs), False))
