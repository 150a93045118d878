"""A question to a worker whose answer somebody waits for: a task, and a Redis stream that it answers on."""

import time
from typing import Any
from uuid import uuid4

import orjson
import structlog
from celery import Task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from clusters.redis import TIMEOUT_SECONDS, redis_client

log = structlog.get_logger(__name__)
KEPT_SECONDS = 60
"""For so long an answer waits for somebody who may be gone."""
TURN_MS = int(TIMEOUT_SECONDS * 500)
"""One wait in Redis, well within the client's own time-out."""


def ask(task: "Task[Any, Any]", *args: Any, seconds: float) -> Any:
    """What the task answers, or None if nobody did within `seconds`.

    The task gets the stream to answer on as its last argument; one that is picked up too late is not run.
    """
    stream = f"answer:{uuid4().hex}"
    until = time.monotonic() + seconds
    try:
        task.apply_async(args=(*args, stream), expires=seconds, retry=False)
        return _wait(stream, until)
    except (RedisError, OperationalError, OSError) as error:
        log.warning("question_lost", task=task.name, error=str(error))
        return None


def reply(stream: str, answer: Any) -> None:
    """Answer whoever waits there. Never raises: nobody may wait any more."""
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            pipe.xadd(stream, {"answer": orjson.dumps(answer)}, maxlen=1)
            pipe.expire(stream, KEPT_SECONDS)
            pipe.execute()
    except RedisError as error:
        log.warning("answer_lost", error=str(error))


def _wait(stream: str, until: float) -> Any:
    while (left := until - time.monotonic()) > 0:
        found: Any = redis_client().xread({stream: "0"}, block=max(1, min(TURN_MS, int(left * 1000))))
        if found:
            (_, [(_, fields)]) = found[0]
            return orjson.loads(fields[b"answer"])
    return None
