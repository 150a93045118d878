"""Clusters whose last cycle failed, as one Redis hash: a cycle that fails writes no row."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
KEY = "scheduler:refusals"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One cluster's last cycle failed; `told`: why, for an operator."""

    cluster_id: int
    at: datetime
    told: str


def note(*, cluster_id: int, told: str) -> None:
    """The cluster's cycle failed now. Never raises."""
    try:
        redis_client().hset(KEY, str(cluster_id), f"{time.time()} {told[:300]}")
    except RedisError as error:
        log.warning("refusal_lost", error=str(error))


def forget(cluster_ids: Iterable[int]) -> None:
    """These clusters' cycles did well. Never raises."""
    ids = [str(id_) for id_ in cluster_ids]
    if not ids:
        return
    try:
        redis_client().hdel(KEY, *ids)
    except RedisError as error:
        log.warning("refusal_kept", error=str(error))


def standing() -> list[Refusal]:
    """All of them, the newest first; none if Redis does not answer."""
    try:
        rows: dict[bytes, bytes] = redis_client().hgetall(KEY)  # type: ignore[assignment]
    except RedisError:
        return []
    found = []
    for id_, value in rows.items():
        at, _, told = value.decode().partition(" ")
        found.append(Refusal(int(id_), datetime.fromtimestamp(float(at), UTC), told))
    return sorted(found, key=lambda one: one.at, reverse=True)
