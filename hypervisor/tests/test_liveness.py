"""The file whose age tells a health check that worker and beat are at work."""

import os

import pytest
from celery.signals import heartbeat_sent
from django.test import override_settings

from hypervisor import liveness
from hypervisor.beat import Scheduler
from hypervisor.celery import app


@pytest.fixture
def alive(tmp_path):
    path = tmp_path / "alive"
    with override_settings(LIVENESS_FILE=str(path)):
        yield path


def test_each_touch_makes_the_file_young_again(alive):
    alive.touch()
    os.utime(alive, (0, 0))
    liveness.touch()
    assert alive.stat().st_mtime > 0


def test_without_a_file_named_nothing_is_written():
    with override_settings(LIVENESS_FILE=""):
        liveness.touch()


def test_a_workers_heartbeat_touches_it(alive):
    heartbeat_sent.send(sender=None)
    assert alive.exists()


@pytest.mark.django_db(transaction=True)
def test_each_turn_of_beat_touches_it_though_nothing_is_due(alive):
    pause = Scheduler(app=app).tick()
    assert alive.exists()
    assert pause <= 5, "or the file would grow old between two turns"


def test_beat_runs_with_that_scheduler():
    assert app.conf.beat_scheduler == f"{Scheduler.__module__}:{Scheduler.__name__}"
