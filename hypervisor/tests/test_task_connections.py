"""What a task does to its worker's connection to PostgreSQL, with the handlers that a worker has around each task."""

import uuid

import pytest
from celery import signals
from celery.app.trace import build_tracer
from celery.fixups.django import DjangoWorkerFixup
from django.db import connection

from hypervisor.celery import app


@pytest.fixture
def work(transactional_db):
    """Runs a task as a worker's thread does, and answers by which process of the server it was served."""
    celerys = DjangoWorkerFixup(app)
    celerys.install()
    served_by = []

    @app.task(name="look", shared=False)
    def look():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            served_by.append(cursor.fetchone()[0])

    trace = build_tracer(look.name, look, app=app)

    def run():
        trace(uuid.uuid4().hex, [], {}, request={})
        return served_by.pop()

    yield run
    signals.task_prerun.disconnect(celerys.on_task_prerun)
    signals.task_postrun.disconnect(celerys.on_task_postrun)
    app.tasks.unregister(look.name)


def test_tasks_of_a_worker_share_a_connection(work):
    assert len({work() for _ in range(3)}) == 1


def test_a_task_after_an_outage_of_the_database_gets_a_new_connection(work):
    first = work()
    connection.connection.close()
    assert work() != first


def test_a_connection_is_not_kept_for_ever(work, monkeypatch):
    first = work()
    monkeypatch.setattr(connection, "close_at", 0.0)
    assert work() != first
