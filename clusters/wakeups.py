"""Hints that a cluster wants a pass of some task: coalesced, and safe to lose.

The ids of those that want one lie in a set in Redis; a message to the workers is only a bell. Whoever hears it takes as
many ids as a pass can share, and rings again for what is left: with one change there is one small pass at once, with
thousands a few large ones. A hint that falls into a running pass lies in the set when it ends. The beat is the truth; a
lost hint costs one interval.
"""

from collections.abc import Iterable
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
CHUNK = 50
"""Clusters of one pass, so that a hint about a thousand of them is shared by all workers."""
MOMENT_SECONDS = 0.2
BELL_SECONDS = 2
"""A bell that nobody heard for so long is rung again by the next hint: its message may be lost."""

# KEYS: hinted, swept, bell. ARGV: the most to take, BELL_SECONDS.
TAKE = """
redis.call('DEL', KEYS[3])
local ids = redis.call('SPOP', KEYS[1], ARGV[1])
if #ids == 0 then ids = redis.call('SPOP', KEYS[2], ARGV[1]) end
local left = redis.call('SCARD', KEYS[1]) + redis.call('SCARD', KEYS[2])
if left > 0 then redis.call('SET', KEYS[3], 1, 'EX', ARGV[2]) end
return {left, ids}
"""


class Wakeups:
    """Queues passes of a Celery task that takes a list of cluster ids, or None for what `take` gives."""

    def __init__(self, task: str, *, interval_seconds: int, chunk: int = CHUNK) -> None:
        self.task = task
        self.interval_seconds = interval_seconds
        self.chunk = chunk

    def on_commit(self, cluster_ids: Iterable[int]) -> None:
        """Queue a pass once the surrounding transaction is committed."""
        ids = set(cluster_ids)
        if ids and settings.SCHEDULER_HINTS:
            transaction.on_commit(lambda: self.send(ids))

    def send(self, cluster_ids: Iterable[int], *, swept: bool = False, delay_seconds: float = 0) -> None:
        """Queue a pass of these. Who is `swept` waits until nobody is hinted.

        Never raises: a dead broker only delays.
        """
        ids = sorted(set(cluster_ids))
        if not ids:
            return
        try:
            with redis_client().pipeline(transaction=False) as pipe:
                pipe.sadd(self._swept if swept else self._hinted, *ids)
                if not delay_seconds:
                    pipe.set(self._bell, 1, nx=True, ex=BELL_SECONDS)
                must_ring = bool(pipe.execute()[-1])
            if must_ring:
                self._ring(delay_seconds)
        except (RedisError, OperationalError, OSError) as error:
            log.warning("hint_lost", task=self.task, clusters=len(ids), error=str(error))

    def take(self) -> list[int]:
        """The ids for one pass, in order, none twice: of those hinted, else of those swept; none if Redis is away."""
        keys = [self._hinted, self._swept, self._bell]
        try:
            left, ids = redis_client().register_script(TAKE)(keys=keys, args=[self.chunk, BELL_SECONDS])
            if left:
                self._ring()
        except (RedisError, OperationalError, OSError) as error:
            log.warning("hint_lost", task=self.task, error=str(error))
            return []
        return sorted(map(int, ids))

    def again(self, missed: Iterable[int]) -> None:
        """Queue a pass for those that somebody else held, a moment later: asking must not keep a worker busy."""
        if settings.SCHEDULER_HINTS:
            self.send(missed, delay_seconds=MOMENT_SECONDS)

    def apart(self, cluster_ids: Iterable[int]) -> None:
        """Queue a task of its own for each of these, unless it has one in the queue. Never raises."""
        try:
            for id_ in cluster_ids:
                if redis_client().set(self._queued(id_), 1, nx=True, ex=self.interval_seconds):
                    self._send_task([[id_]])
        except (RedisError, OperationalError, OSError) as error:
            log.warning("hint_lost", task=self.task, error=str(error))

    def begin_apart(self, cluster_id: int) -> None:
        """From now on this one may have a task of its own again. Never raises."""
        try:
            redis_client().delete(self._queued(cluster_id))
        except RedisError as error:
            log.warning("hint_lost", task=self.task, error=str(error))

    def _ring(self, delay_seconds: float = 0) -> None:
        self._send_task([], countdown=delay_seconds or None)

    def _send_task(self, args: list[Any], **options: Any) -> None:
        current_app.send_task(self.task, args=args, expires=self.interval_seconds, retry=False, **options)

    @property
    def _hinted(self) -> str:
        return f"hint:{self.task}:hinted"

    @property
    def _swept(self) -> str:
        return f"hint:{self.task}:swept"

    @property
    def _bell(self) -> str:
        return f"hint:{self.task}:bell"

    def _queued(self, cluster_id: int) -> str:
        return f"hint:{self.task}:{cluster_id}:queued"
