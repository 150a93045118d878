"""Logs from end to end, over real processes: live, shared by many, through the death of a worker, and afterwards."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from hypervisor.bench.followers import measure
from hypervisor.supervisor.services import PROJECT

from .processes import eventually
from .service import Service
from .test_end_to_end import User

pytestmark = pytest.mark.processes
KEEP_TAIL = (
    "from django.utils import timezone; from datetime import timedelta; from deployments.models import Run; "
    "long_ago = timezone.now() - timedelta(days=1); Run.objects.filter(deployment={}).update("
    "ended_at=long_ago, log_tail='the end of it\\n', log_kept_at=long_ago)"
)


@pytest.fixture(scope="module")
def service():
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        service = Service(Path(folder) / "data", SCHEDULER_INTERVAL="1")
        service.start()
        yield service
        service.process.terminate()
        service.process.wait(60)


@pytest.fixture(scope="module")
def alice(service):
    return User(f"http://127.0.0.1:{service.port}")


def follow(alice, deployment, after_first=lambda: None):
    """Each line, with the seconds that it came after the first."""
    lines = []
    with alice.http.stream("GET", f"/deployments/{deployment}/logs?follow=true") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        for line in answer.iter_lines():
            if not lines:
                began = time.monotonic()
                after_first()
            lines.append((time.monotonic() - began, line))
    return lines


def test_a_log_streams_while_its_run_runs_and_is_there_afterwards(service, alice):
    id_ = alice.submit("talker", simulated_seconds=4)
    assert alice.comes_to(id_, "running")
    assert "started" in alice.http.get(f"/deployments/{id_}/logs").text
    lines = follow(alice, id_)
    at = {line.split(" ", 1)[1]: seconds for seconds, line in lines}
    assert at["progress 75 %"] - at["progress 25 %"] > 1.0, "they came when they were written"
    assert alice.comes_to(id_, "completed")
    assert service.manage("shell", "-v0", "-c", KEEP_TAIL.format(id_)).returncode == 0
    for query in ("", "?follow=true"):
        assert alice.http.get(f"/deployments/{id_}/logs{query}").text == "the end of it\n"


def test_a_log_survives_the_death_of_the_worker_that_carries_it(service, alice):
    id_ = alice.submit("endless")
    assert alice.comes_to(id_, "running")
    carries = service.child("queues=engines")
    with alice.http.stream("GET", f"/deployments/{id_}/logs?follow=true", timeout=60) as answer:
        for line in answer.iter_lines():
            if carries:
                os.kill(carries, signal.SIGKILL)
                carries = None
            if "interrupted" in line:
                break
        else:
            raise AssertionError("the log ended")
    assert alice.call("POST", f"/deployments/{id_}/stop")
    assert alice.comes_to(id_, "completed")


def test_without_a_worker_a_log_is_a_problem_within_its_time(service, alice):
    id_ = alice.submit("endless")
    assert alice.comes_to(id_, "running")
    assert eventually(lambda: service.child("queues=engines"))
    stopped = service.child("queues=engines")
    os.kill(stopped, signal.SIGSTOP)
    try:
        answer = alice.http.get(f"/deployments/{id_}/logs", timeout=30)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
    alice.call("POST", f"/deployments/{id_}/stop")


def test_the_stream_process_loads_no_model_no_setting_and_no_database():
    script = (
        "import os; os.environ['SECRET_KEY'] = 'x' * 50; import hypervisor.stream.app, sys; "
        "print(sorted({'django.db', 'psycopg', 'rest_framework', 'hypervisor.settings', 'deployments.models', "
        "'clusters.models'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT)
    assert told.stdout.strip() == "[]", told.stderr


def test_two_hundred_followers_leave_the_health_check_alone(service):
    seen = asyncio.run(measure(address=f"http://127.0.0.1:{service.port}", followers=200, logs=2, seconds=10))
    assert (len(seen.lines), set(seen.statuses)) == (200, {200})
    among = sorted(seen.among)
    assert among[len(among) // 2] < 50, among[-5:]


def test_a_service_with_followers_stops_in_time(service, alice):
    id_ = alice.submit("endless")
    assert alice.comes_to(id_, "running")
    with alice.http.stream("GET", f"/deployments/{id_}/logs?follow=true", timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(httpx.TransportError):
            list(lines)
        assert service.process.wait(60) == 0
    assert time.monotonic() - began < 45
    assert service.left_over() == []
