"""Listening to the engines that tell of changes, so that an end is seen at once. The beat would see it anyway.

It lives in the engine workers' process, as threads: one that looks around, and one for each engine that is listened to.
An engine has one listener, whatever the number of workers: a lease in Redis, which dies with its worker.
"""

import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from accounts import secrets
from clusters.drivers import driver_for
from clusters.models import Cluster, Runtime
from clusters.redis import redis_client
from clusters.runtimes.base import RuntimeFailure, Stream
from clusters.selectors import IN_USE
from deployments import engine_away
from deployments.reconciling import wakeups

log = structlog.get_logger(__name__)
LOOK_SECONDS = 5.0
LEASE_SECONDS = 20
MOST_LISTENED = 200
"""Threads of one worker; engines beyond that are looked at by the beat alone."""


@dataclass
class Listener:
    """The thread that listens to one engine. `connection`: how it was reached, to notice a change of that."""

    cluster_id: int
    engine_id: UUID
    connection: str
    stream: Stream[None]
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        name = f"engine of cluster {self.cluster_id}"
        self.thread = threading.Thread(target=self._listen, daemon=True, name=name)
        self.thread.start()

    def _listen(self) -> None:
        try:
            for _ in self.stream:
                wakeups.send([self.cluster_id])
        except RuntimeFailure as failure:
            log.info("engine_not_heard", cluster_id=self.cluster_id, error=str(failure))
            engine_away.note(self.engine_id)
        # What happened while nobody listened is seen by this look.
        wakeups.send([self.cluster_id])


_watch: "EngineWatch | None" = None


def start_watch() -> None:
    """Listen from this process, until `stop_watch`."""
    global _watch
    if _watch is None:
        _watch = EngineWatch()
        _watch.start()


def stop_watch() -> None:
    """Hear nobody any more."""
    global _watch
    if _watch is not None:
        _watch.stop()
        _watch = None


class EngineWatch:
    """All listeners of this process."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._listeners: dict[int, Listener] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look around for ever, in a thread of its own."""
        threading.Thread(target=self._run, daemon=True, name="engine watch").start()

    def stop(self) -> None:
        """Hear nobody any more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                self.look_around()
            except (DatabaseError, RedisError) as error:
                log.warning("engine_watch_paused", error=str(error))
            finally:
                connection.close()
        self.close()

    def close(self) -> None:
        """Listen to nobody, and let others do it."""
        for id_, listener in self._listeners.items():
            listener.stream.close()
            with suppress(RedisError):
                redis_client().delete(_lease_key(id_))
        self._listeners.clear()

    def listened(self) -> set[int]:
        """The clusters whose engines this process listens to."""
        return set(self._listeners)

    def look_around(self) -> None:
        """Listen to each engine that nobody listens to, and no longer to those that changed or went away."""
        wanted: dict[int, Cluster] = {
            cluster.pk: cluster
            for cluster in Cluster.objects.filter(IN_USE, unreachable_since=None)
            .exclude(runtime=Runtime.SIMULATED)
            .order_by("pk")[:MOST_LISTENED]
        }
        self._drop(wanted)
        for cluster in wanted.values():
            if cluster.pk not in self._listeners and self._lease(cluster.pk):
                self._listen_to(cluster)

    def _drop(self, wanted: Mapping[int, Cluster]) -> None:
        for id_, listener in list(self._listeners.items()):
            same = id_ in wanted and wanted[id_].connection == listener.connection
            if not same or not listener.thread.is_alive() or not self._lease(id_):
                listener.stream.close()
                del self._listeners[id_]

    def _listen_to(self, cluster: Cluster) -> None:
        try:
            stream = driver_for(cluster).changes()
        except (RuntimeFailure, secrets.UnreadableSecret) as failure:
            log.info("engine_not_heard", cluster_id=cluster.pk, error=str(failure))
            return
        if stream is not None:
            self._listeners[cluster.pk] = Listener(cluster.pk, cluster.engine_id, cluster.connection, stream)

    def _lease(self, cluster_id: int) -> bool:
        """Whether this process is the one that listens there, for LEASE_SECONDS more."""
        client, key = redis_client(), _lease_key(cluster_id)
        if client.set(key, self._name, nx=True, ex=LEASE_SECONDS):
            return True
        mine = client.get(key) == self._name.encode()
        if mine:
            client.expire(key, LEASE_SECONDS)
        return mine


def _lease_key(cluster_id: int) -> str:
    return f"engine:listener:{cluster_id}"
