"""When an engine was last out of reach: what it cut off then is lost, not failed.

An engine that is restarted ends its containers with a signal, just as a fault of their own would. Kept in Redis:
without it such a run counts as failed, which its restart policy may mend.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
KEPT_SECONDS = 86_400


def note(engine_id: UUID) -> None:
    """The engine does not answer now; the first moment of it counts. Never raises."""
    try:
        redis_client().set(_key(engine_id), time.time(), nx=True, ex=KEPT_SECONDS)
    except RedisError as error:
        log.warning("engine_away_not_noted", engine_id=engine_id.hex, error=str(error))


def since(engine_id: UUID) -> datetime | None:
    """Since when it did not answer, until `forget`; None: it always did, or nobody knows."""
    try:
        value = redis_client().get(_key(engine_id))
    except RedisError:
        return None
    return datetime.fromtimestamp(float(value), UTC) if value else None


def since_each(engine_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """The same for many: engine → since when, of those that did not answer."""
    ids = list(engine_ids)
    try:
        values: Any = redis_client().mget([_key(id_) for id_ in ids])
    except RedisError:
        return {}
    return {
        id_: datetime.fromtimestamp(float(value), UTC)
        for id_, value in zip(ids, values, strict=True)
        if value
    }


def forget(engine_id: UUID) -> None:
    """It answered, and what it had cut off is in the books. Never raises."""
    try:
        redis_client().delete(_key(engine_id))
    except RedisError as error:
        log.warning("engine_away_not_forgotten", engine_id=engine_id.hex, error=str(error))


def _key(engine_id: UUID) -> str:
    return f"engine:away:{engine_id.hex}"
