"""Fixtures for the tests of the drivers."""

from collections.abc import Iterator

import pytest
from redis import Redis

from clusters.runtimes.base import Owner
from clusters.runtimes.kubernetes import KubernetesDriver
from clusters.runtimes.simulated import SimulatedDriver
from clusters.runtimes.simulated_engine import SimulatedEngine

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
def api() -> Iterator[KubernetesAPI]:
    """A double of a Kubernetes API server with a cluster behind it."""
    with kubernetes_api() as running:
        yield running


@pytest.fixture
def owner() -> Owner:
    """A cluster of an installation that no other test has."""
    return new_owner()


@pytest.fixture
def kubernetes(api: KubernetesAPI, owner: Owner) -> KubernetesDriver:
    """The driver of that cluster."""
    return driver_of(api, owner)
