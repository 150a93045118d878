"""Telling of events: what a transaction did is told once it is committed, in one pipeline, to all who watch.

Hints, and safe to lose: nothing here fails a request or a cycle, nor holds one up for long while Redis is away.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import structlog
from django.db import connection, transaction
from redis.exceptions import RedisError

from clusters.event_protocol import ENTRY_BYTES, LOST, MOST_ENTRIES, MOST_ROWS, STREAM, TOLD
from clusters.redis import redis_client
from organizations.webhooks import outbox as webhooks

log = structlog.get_logger(__name__)
PAUSE_SECONDS = 5.0
"""So long nothing is told after Redis did not answer; who watches is told later that something is missing."""
Row = tuple[int | None, int, int]
"""Deployment (None: it is about the cluster itself), cluster, organization."""


class Announcement(NamedTuple):
    """One thing that happened, to one or many. `data` as the API shows it; `status`: a deployment's, afterwards."""

    topic: str
    kind: str
    source: str
    at: datetime
    status: str | None
    data: dict[str, Any]
    rows: Sequence[Row]


def announce(told: Sequence[Announcement]) -> None:
    """Tell of these once the surrounding transaction is committed, or now if there is none.

    What webhooks get of it is written now, and so committed with it.
    """
    _store_for_webhooks(told)
    if told and connection.in_atomic_block:
        _outbox().told += told
    elif told:
        publish(told)


class _Outbox:
    """What one transaction has to tell, as its hook; one that is rolled back is forgotten with it."""

    def __init__(self) -> None:
        self.told: list[Announcement] = []

    def __call__(self) -> None:
        publish(self.told)


def _store_for_webhooks(told: Sequence[Announcement]) -> None:
    listening = webhooks.listening({row[2] for one in told for row in one.rows}) if told else []
    if not listening:
        return
    events: dict[int, list[webhooks.Event]] = {webhook.organization_id: [] for webhook in listening}
    for topic, kind, source, at, status, data, rows in told:
        for deployment_id, cluster_id, organization_id in rows:
            if organization_id in events:
                event = {
                    "event": topic,
                    "kind": kind,
                    "deployment_id": deployment_id,
                    "cluster_id": cluster_id,
                    "organization_id": organization_id,
                    "at": at,
                    "source": source,
                    "data": data,
                    "status": status,
                }
                events[organization_id].append(event)
    webhooks.store(listening, events)


def _outbox() -> _Outbox:
    """That of the transaction, or of the savepoint, that is open now."""
    savepoints = set(connection.savepoint_ids)
    for inside, hook, *_ in reversed(connection.run_on_commit):
        if isinstance(hook, _Outbox) and inside == savepoints:
            return hook
    outbox = _Outbox()
    transaction.on_commit(outbox)
    return outbox


class _Health:
    """Whether Redis took what this process told last."""

    lost = False
    silent_until = 0.0


def publish(told: Sequence[Announcement]) -> None:
    """Put them on the stream now. Never raises."""
    if time.monotonic() < _Health.silent_until:
        return
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            if _Health.lost:
                pipe.xadd(STREAM, {LOST: b"1"}, maxlen=MOST_ENTRIES)
            for entry in entries(told):
                pipe.xadd(STREAM, {TOLD: entry}, maxlen=MOST_ENTRIES)
            pipe.execute()
        _Health.lost = False
    except (RedisError, OSError, TypeError) as error:
        _Health.silent_until = time.monotonic() + PAUSE_SECONDS
        if not _Health.lost:
            log.warning("events_not_told", error=str(error))
        _Health.lost = True


def entries(told: Sequence[Announcement]) -> Iterator[bytes]:
    """They as the bodies of entries, each of at most MOST_ROWS rows of one announcement and about ENTRY_BYTES."""
    parts: list[bytes] = []
    size = 0
    for one in told:
        for start in range(0, len(one.rows), MOST_ROWS):
            rows = one.rows[start : start + MOST_ROWS]
            part = orjson.dumps((*one[:-1], rows), option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
            parts.append(part)
            size += len(part)
            if size >= ENTRY_BYTES:
                yield b"[%b]" % b",".join(parts)
                parts, size = [], 0
    if parts:
        yield b"[%b]" % b",".join(parts)
