"""What looks at a real engine past the service, on the engine of DOCKER_HOST."""

import secrets
import subprocess
import sys
import time

import pytest

from clusters.tests.docker_engine import socket_path
from hypervisor.demo.docker.engine import CLUSTER, INSTALLATION, RUN, Engine
from hypervisor.demo.docker.sampler import Sampler, Use
from hypervisor.demo.docker.site import Identity, find_image
from hypervisor.demo.docker.starts import Starts
from hypervisor.supervisor.services import PROJECT

from .processes import eventually


@pytest.fixture
def engine():
    with_socket = Engine(socket_path())
    yield with_socket
    with_socket.close()


@pytest.fixture
def ours(engine):
    identity = Identity(secrets.token_hex(16), {1: secrets.token_hex(16)})
    yield identity
    identity.sweep(engine)


def start(engine, identity, run):
    labels = {RUN: f"run-{run}", INSTALLATION: identity.installation, CLUSTER: identity.clusters[1]}
    return engine.run(identity.container(run), find_image(engine, ""), ["sleep", "100"], labels)


def test_it_sees_what_runs_and_counts_its_starts(engine, ours):
    starts = Starts(engine, installation=ours.installation)
    starts.start()
    sampler = Sampler(engine, label=ours.label, totals={ours.clusters[1]: Use(0, 1000, 100)})
    sampler.start()
    first, second = start(engine, ours, 1), start(engine, ours, 2)
    assert ours.running(engine) == {ours.container(1), ours.container(2)}
    assert ours.running(engine, cluster="another") == frozenset()
    assert eventually(lambda: sampler.highest.use.containers == 2)
    assert engine.remove(first)
    assert not engine.remove(first)
    assert engine.inspect(first) is None
    assert not engine.is_running(first)
    assert eventually(lambda: starts.counts == {ours.container(1): 1, ours.container(2): 1})
    assert not starts.twice()
    assert not sampler.stop().over
    starts.stop()
    engine.remove(second)


def test_a_container_that_is_started_again_is_counted_again(engine, ours):
    starts = Starts(engine, installation=ours.installation)
    starts.start()
    container = start(engine, ours, 1)
    engine.restart(container)
    assert eventually(lambda: starts.twice() == {ours.container(1): 2})
    starts.stop()


@pytest.mark.processes
@pytest.mark.parametrize(
    "command",
    [
        ("hypervisor.demo.engines",),
        ("hypervisor.demo.engine_chaos", "--rounds", "12", "--hits", "1", "--seed", "12"),
        ("hypervisor.bench.observe", "--containers", "12", "--running", "3"),
    ],
    ids=["engines", "engine-chaos", "observe"],
)
def test_no_promise_is_broken(command):
    socket_path()
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, f"after {time.monotonic() - began:.0f} s:\n{done.stdout}\n{done.stderr}"
