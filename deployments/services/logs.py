"""Asking for the log of a run: no engine is asked here, a worker is."""

import uuid
from typing import Any

from redis.exceptions import RedisError

from accounts.errors import Conflict, Unavailable
from clusters.redis import redis_client
from deployments import log_protocol as words
from deployments.log_protocol import Session
from deployments.models import Run

ASKED_LIST_SECONDS = 60


def ask_for_log(*, run: Run, tail: int, follow: bool) -> str:
    """The key of a session with the last `tail` lines of the run; all who follow the same share one.

    Raises Unavailable when Redis does not answer.
    """
    session = Session(run.pk, tail, follow, uuid.uuid4().hex)
    try:
        redis = redis_client()
        if follow:
            older: Any = redis.set(
                session.shared, session.token, nx=True, get=True, ex=words.LEASE_SECONDS * 2
            )
            if older is not None:
                session = Session(run.pk, tail, follow, older.decode())
        with redis.pipeline(transaction=False) as pipe:
            pipe.set(words.wanted(session.key), 1, ex=words.WANTED_SECONDS)
            if not follow or older is None:
                pipe.rpush(words.ASKED, session.key)
                pipe.expire(words.ASKED, ASKED_LIST_SECONDS)
            pipe.execute()
    except RedisError as error:
        raise Unavailable(
            "Logs cannot be read while Redis does not answer. Try again in a moment."
        ) from error
    return session.key


def require_started(run: Run | None) -> Run:
    """The run, if there is one to read from. Raises Conflict."""
    if run is None:
        raise Conflict("It has never been started, so there is no log. Its `reason` says why it waits.")
    return run
