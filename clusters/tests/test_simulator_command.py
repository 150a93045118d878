"""`manage.py simulator`, called as an operator would."""

import io

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from clusters.drivers import driver_for
from clusters.runtimes.base import Phase, RuntimeFailure
from clusters.runtimes.simulated_engine import SimulatedEngine
from clusters.tests.factories import ClusterFactory
from clusters.tests.simulator import spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(simulator_redis):
    cluster = ClusterFactory()
    yield cluster
    SimulatedEngine(simulator_redis, cluster.engine_id.hex).forget()


@pytest.fixture
def containers(cluster):
    """Two that run, as the driver tells it."""
    driver = driver_for(cluster)
    driver.start_many([spec("run-1"), spec("run-2")])
    return lambda: {found.name: found.phase for found in driver_for(cluster).observe()}


def simulator(cluster, *words):
    out = io.StringIO()
    call_command("simulator", str(cluster.pk), *map(str, words), stdout=out)
    return " ".join(out.getvalue().split())


def test_it_lists_the_containers_and_what_they_hold(cluster, containers):
    shown = simulator(cluster, "list")
    assert "run-1 running" in shown
    assert "2 containers" in shown
    assert "1 GPUs, 4 cores, 2 GB" in shown


def test_a_lost_container_is_gone_and_the_others_stay(cluster, containers):
    simulator(cluster, "lose", "run-1")
    assert list(containers()) == ["run-2"]
    simulator(cluster, "lose-all")
    assert containers() == {}


def test_an_unreachable_engine_answers_nobody_until_it_is_healed(cluster, containers):
    simulator(cluster, "unreachable", 600)
    with pytest.raises(RuntimeFailure):
        containers()
    assert "run-1 running" in simulator(cluster, "list")
    simulator(cluster, "heal")
    assert len(containers()) == 2


def test_a_lie_is_told_by_the_driver_and_not_by_the_list(cluster, containers):
    simulator(cluster, "lie", "run-1", "--exit-code", 3)
    assert containers()["run-1"] is Phase.ENDED
    assert "run-1 running" in simulator(cluster, "list")


def test_a_slow_engine_lets_containers_start_late(cluster, containers):
    simulator(cluster, "slow", "--start", 600)
    driver_for(cluster).start(spec("run-3"))
    assert containers()["run-3"] is Phase.STARTING


@pytest.mark.parametrize(
    "words",
    [
        ("lose", "run-9"),
        ("lie", "run-9"),
        ("slow",),
        ("unreachable", "nan"),
        ("unreachable", "-1"),
        ("sing",),
    ],
)
def test_what_makes_no_sense_is_refused(cluster, words):
    with pytest.raises(CommandError):
        simulator(cluster, *words)


def test_an_unknown_cluster_is_refused(cluster):
    cluster.pk = 999_999
    with pytest.raises(CommandError, match="no simulated cluster 999999"):
        simulator(cluster, "list")


def test_a_redis_that_is_away_is_told_without_a_traceback(cluster, monkeypatch):
    away = Redis.from_url("unix:///nonexistent/redis.sock")
    monkeypatch.setattr("clusters.management.commands.simulator.redis_client", lambda: away)
    with pytest.raises(CommandError, match="does not answer"):
        simulator(cluster, "list")
