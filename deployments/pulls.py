"""Asking for an image to be fetched: by a task of its own, since that may take minutes and a pass may not."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from clusters.redis import redis_client

log = structlog.get_logger(__name__)
TASK = "deployments.pull_image"
AGAIN_SECONDS = 15
"""How soon the task is queued once more for a run that still waits: it returns at once where one is at work."""


def want_pull(run_id: int) -> None:
    """Queue the task unless it was queued just now. Never raises: the next pass asks again."""
    try:
        if redis_client().set(f"pull:{run_id}", 1, nx=True, ex=AGAIN_SECONDS):
            current_app.send_task(TASK, args=[run_id], expires=AGAIN_SECONDS, retry=False)
    except (RedisError, OperationalError, OSError) as error:
        log.warning("hint_lost", task=TASK, run_id=run_id, error=str(error))
