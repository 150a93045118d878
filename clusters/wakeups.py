"""Hints that a cluster wants a pass of some task: coalesced, counted, and safe to lose.

A hint raises the cluster's counter. A task that finds the counter moved since it began is queued once more, so
a change that falls into a running pass is not overlooked. The beat is the truth; a lost hint costs one interval.
"""

from collections.abc import Iterable, Mapping

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
COUNTER_SECONDS = 86_400
MOMENT_SECONDS = 0.2
CHUNK = 50
"""Clusters in one task, so that a hint about a thousand of them is shared by all workers."""


class Wakeups:
    """Queues a Celery task that takes a list of cluster ids, at most once per cluster at a time."""

    def __init__(self, task: str, *, interval_seconds: int, chunk: int = CHUNK) -> None:
        self.task = task
        self.interval_seconds = interval_seconds
        self.chunk = chunk

    def on_commit(self, cluster_ids: Iterable[int]) -> None:
        """Queue the task once the surrounding transaction is committed."""
        ids = sorted(set(cluster_ids))
        if ids and settings.SCHEDULER_HINTS:
            transaction.on_commit(lambda: self.send(ids))

    def send(self, cluster_ids: Iterable[int], *, delay_seconds: float = 0, chunk: int | None = None) -> None:
        """Queue the task for those that are not queued yet, so many (`chunk`) in one.

        Never raises: a dead broker only delays.
        """
        ids, chunk = sorted(set(cluster_ids)), chunk or self.chunk
        if not ids:
            return
        try:
            with redis_client().pipeline(transaction=False) as pipe:
                for id_ in ids:
                    pipe.incr(self._counter(id_))
                    pipe.expire(self._counter(id_), COUNTER_SECONDS)
                    pipe.set(self._queued(id_), 1, nx=True, ex=self.interval_seconds)
                answers = pipe.execute()
            fresh = [id_ for id_, is_first in zip(ids, answers[2::3], strict=True) if is_first]
            for start in range(0, len(fresh), chunk):
                current_app.send_task(
                    self.task,
                    args=[fresh[start : start + chunk]],
                    expires=self.interval_seconds,
                    countdown=delay_seconds or None,
                    retry=False,
                )
        except (RedisError, OperationalError, OSError) as error:
            log.warning("hint_lost", task=self.task, clusters=len(ids), error=str(error))

    def begin(self, cluster_ids: Iterable[int]) -> dict[int, int]:
        """At the start of a pass: from now on a hint queues again. Answers the counters as they are."""
        ids = list(cluster_ids)
        if not ids:
            return {}
        try:
            client = redis_client()
            client.delete(*(self._queued(id_) for id_ in ids))
            values = client.mget([self._counter(id_) for id_ in ids])
        except RedisError:
            return {}
        return {id_: int(value or 0) for id_, value in zip(ids, values, strict=True)}

    def again(self, seen: Mapping[int, int], *, missed: Iterable[int] = ()) -> None:
        """At the end of a pass: queue once more what was hinted meanwhile, and what it `missed` (found locked).

        The missed ones wait a moment, so that a long lock does not keep a worker busy with asking for it.
        """
        if not settings.SCHEDULER_HINTS:
            return
        try:
            values = redis_client().mget([self._counter(id_) for id_ in seen]) if seen else []
        except RedisError:
            return
        missed = set(missed)
        moved = {
            id_ for (id_, old), value in zip(seen.items(), values, strict=True) if int(value or 0) != old
        }
        self.send(moved - missed)
        self.send(missed, delay_seconds=MOMENT_SECONDS)

    def _counter(self, cluster_id: int) -> str:
        return f"hint:{self.task}:{cluster_id}"

    def _queued(self, cluster_id: int) -> str:
        return f"hint:{self.task}:{cluster_id}:queued"
