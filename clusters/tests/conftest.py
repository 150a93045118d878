"""Fixtures for the tests of the drivers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from clusters.connections import KINDS
from clusters.drivers import installation_id
from clusters.runtimes.base import Owner
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.http import EngineHTTP
from clusters.runtimes.kubernetes import KubernetesDriver
from clusters.runtimes.simulated import SimulatedDriver
from clusters.runtimes.simulated_engine import SimulatedEngine

from . import docker_engine
from .fake_engine import FakeEngine
from .kubernetes_api import KubernetesAPI, kubernetes_api
from .kubernetes_harness import driver_of, new_owner
from .simulator import new_engine_name, redis_url


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    """The address of the Redis under the simulated engines."""
    with redis_url() as url:
        yield url


@pytest.fixture
def simulator_redis(simulator_url: str) -> Iterator[Redis]:
    """A client of that Redis."""
    with Redis.from_url(simulator_url) as client:
        yield client


@pytest.fixture
def engine_name(simulator_redis: Redis) -> Iterator[str]:
    """The name of a simulated engine of this test's own; nothing of it stays."""
    name = new_engine_name()
    yield name
    for key in simulator_redis.scan_iter(f"sim:{name}*"):
        simulator_redis.delete(key)


@pytest.fixture
def driver(simulator_redis: Redis, engine_name: str) -> SimulatedDriver:
    """The driver of that engine."""
    return SimulatedDriver(simulator_redis, engine_name, {})


@pytest.fixture
def engine(simulator_redis: Redis, engine_name: str) -> SimulatedEngine:
    """That engine's machine room."""
    return SimulatedEngine(simulator_redis, engine_name)


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch, engine_worker: None) -> FakeEngine:
    """What is behind every Docker and Kubernetes cluster of this test; a worker reaches it."""
    made = FakeEngine()
    # What another test kept is of a database that was rolled back.
    installation_id.cache_clear()
    for runtime in ("docker", "kubernetes"):
        monkeypatch.setitem(KINDS, runtime, replace(KINDS[runtime], driver=made.open))  # type: ignore[misc]
    return made


@pytest.fixture(scope="session")
def docker_http() -> Iterator[EngineHTTP]:
    """A door to the real Docker engine of DOCKER_HOST; skips the test when there is none."""
    door = docker_engine.http()
    yield door
    door.close()


@pytest.fixture
def docker(docker_http: EngineHTTP) -> Iterator[DockerDriver]:
    """A driver with an owner of its own on that engine; nothing of it stays."""
    yield from docker_engine.emptied(DockerDriver(docker_http, docker_engine.new_owner()))


@pytest.fixture
def double() -> Iterator[KubernetesAPI]:
    """A double of a Kubernetes API server with a cluster behind it."""
    with kubernetes_api() as running:
        yield running


@pytest.fixture
def owner() -> Owner:
    """A cluster of an installation that no other test has."""
    return new_owner()


@pytest.fixture
def kubernetes(double: KubernetesAPI, owner: Owner) -> KubernetesDriver:
    """The driver of that cluster."""
    return driver_of(double, owner)
