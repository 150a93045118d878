"""The Celery application: workers run `celery -A hypervisor worker`, the scheduler `celery -A hypervisor beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutdown,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
app = Celery("hypervisor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone once somebody listens here; Django has configured it."""


@task_prerun.connect
@task_postrun.connect
def keep_connections_that_work(task: Any, **_: Any) -> None:
    """As around a request: one that is old or broken is closed, and no task pays for a new one without need."""
    from django.db import close_old_connections

    # One that its caller runs within their own transaction has their connection.
    if not task.request.is_eager:
        close_old_connections()


@worker_init.connect
@beat_init.connect
def refuse_to_start_wrongly_configured(**_: Any) -> None:
    """Workers and beat are held to the same checks as the web server."""
    from hypervisor.checks import refuse_wrong_environment

    refuse_wrong_environment()


@beat_init.connect
def seed_the_schedule(**_: Any) -> None:
    """Beat's intervals come from the environment until an operator edits them."""
    from scheduling.beat import seed_schedule

    seed_schedule()


@heartbeat_sent.connect
def show_that_the_worker_lives(**_: Any) -> None:
    """Every two seconds while the worker's loop turns and its broker answers."""
    from hypervisor import liveness

    liveness.touch()


@worker_ready.connect
def listen_to_engines(sender: Any, **_: Any) -> None:
    """Only where engines are reached: their logs and their changes come through the same workers as all else."""
    if "engines" in sender.app.amqp.queues.consume_from:
        from deployments import engine_watch, log_agent

        log_agent.start_agent()
        engine_watch.start_watch()


@worker_shutdown.connect
def hand_engines_over(**_: Any) -> None:
    """Another worker takes up what this one carried."""
    from deployments import engine_watch, log_agent

    log_agent.stop_agent()
    engine_watch.stop_watch()
