"""`make run` as a whole, with real processes. One service serves the tests of this module in order."""

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from hypervisor.supervisor.services import PROJECT

from .processes import eventually
from .service import RUN, Service

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def service():
    with tempfile.TemporaryDirectory(prefix="hr-") as folder:
        service = Service(Path(folder) / "data")
        first_words = service.start()
        service.first_words = first_words
        yield service
        service.process.terminate()
        service.process.wait(60)


def test_the_first_start_says_where_everything_is_and_shows_a_password_once(service):
    assert f"http://127.0.0.1:{service.port}/admin/" in service.first_words
    assert f"http://127.0.0.1:{service.port}/docs" in service.first_words
    assert re.search(r"user +admin\n +password +\w{16}\n", service.first_words)
    assert service.status("/healthz") == service.status("/readyz") == 200


def test_a_second_start_in_the_same_folder_is_told_where_the_first_one_serves(service):
    second = subprocess.run(RUN, env=service.environment, cwd=PROJECT, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"already running at http://127.0.0.1:{service.port}" in second.stderr


def test_a_second_start_in_another_folder_is_told_that_the_port_is_taken(service):
    elsewhere = {**service.environment, "DATA_DIR": str(service.folder.with_name("other"))}
    second = subprocess.run(RUN, env=elsewhere, cwd=PROJECT, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"PORT={service.port + 1} make run" in second.stderr


def test_django_commands_reach_the_running_service(service):
    script = "from django.contrib.auth import get_user_model as u; print(u().objects.get().username)"
    outcome = service.manage("shell", "-v0", "-c", script)
    assert outcome.stdout.split() == ["admin"], outcome.stderr


@pytest.mark.parametrize(
    "words",
    [
        "interface=wsgi",
        "interface=asgi",
        "queues=hypervisor",
        "queues=engines",
        "hypervisor beat",
        "valkey-server|redis-server",
        "postgres -D",
    ],
)
def test_whoever_is_killed_comes_back(service, words):
    killed = service.child(words)
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: service.child(words) not in (None, killed))
    assert eventually(lambda: service.status("/readyz") == 200)


def test_nothing_survives_the_kill_of_the_supervisor_but_the_data(service):
    service.process.kill()
    service.process.wait()
    assert eventually(lambda: not service.left_over()), service.left_over()
    assert "password" not in service.start(), "the first admin was lost and made anew"


def test_ctrl_c_stops_everything(service):
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0
    assert service.left_over() == []
    assert service.output.read_text().splitlines()[-1].endswith("stopped")
