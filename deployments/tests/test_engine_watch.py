"""Listening to the real Docker engine of DOCKER_HOST: a change there asks for a look at once."""

import time

import pytest

from accounts import secrets
from clusters.drivers import driver_for
from clusters.models import Cluster
from clusters.tests import docker_engine
from clusters.tests.factories import ClusterFactory
from deployments import engine_away, engine_watch
from deployments.engine_watch import EngineWatch

PATIENCE_SECONDS = 30


def eventually(condition):
    """Whether it comes true before our patience ends."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def hinted(monkeypatch):
    """The ids of the clusters that were asked to be looked at."""
    asked = []
    monkeypatch.setattr(engine_watch.wakeups, "send", lambda ids: asked.extend(ids))
    return asked


@pytest.fixture
def engine(lab):
    """A cluster of the lab's on the engine; nothing of it stays."""
    connection = secrets.encrypt({"endpoint": f"unix://{docker_engine.socket_path()}"})
    cluster = ClusterFactory(
        organization=lab, runtime="docker", connection=connection, connected_by_staff=True
    )
    yield cluster
    driver = driver_for(cluster)
    driver.remove_many([seen.handle for seen in driver.observe()])
    engine_away.forget(cluster.engine_id)


@pytest.fixture
def watch():
    made = EngineWatch()
    yield made
    made.close()


def test_what_happens_at_an_engine_asks_for_a_look(engine, hinted, watch):
    watch.look_around()
    driver_for(engine).start(docker_engine.spec("true", organization=engine.organization_id))
    assert eventually(lambda: engine.pk in hinted)


def test_one_process_alone_listens_to_an_engine(engine, hinted, watch):
    watch.look_around()
    second = EngineWatch()
    second.look_around()
    assert (watch.listened(), second.listened()) == ({engine.pk}, set())
    watch.close()
    second.look_around()
    assert second.listened() == {engine.pk}
    second.close()


@pytest.mark.parametrize("change", [{"connection": ""}, {"deleted_at": "2026-01-01T00:00Z"}])
def test_a_cluster_that_changed_is_not_listened_to_as_before(engine, hinted, watch, change):
    watch.look_around()
    Cluster.objects.filter(pk=engine.pk).update(**change)
    watch.look_around()
    assert watch.listened() == set()
    Cluster.objects.filter(pk=engine.pk).update(connection=engine.connection)


def test_an_engine_that_goes_away_is_noted_and_looked_at(engine, hinted, watch, monkeypatch):
    class Broken:
        def __iter__(self):
            raise docker_engine.RuntimeFailure("The engine went away.", permanent=False)

        def close(self):
            pass

    monkeypatch.setattr("clusters.runtimes.docker.DockerDriver.changes", lambda driver: Broken())
    watch.look_around()
    assert eventually(lambda: engine.pk in hinted)
    assert engine_away.since(engine.engine_id) is not None


def test_simulated_engines_tell_nothing_and_are_not_listened_to(cluster, hinted, watch):
    watch.look_around()
    assert watch.listened() == set()
