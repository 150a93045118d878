"""The life of a run on the real Docker engine of DOCKER_HOST: what is booked runs, and the books learn of its end."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import secrets
from clusters.drivers import driver_for
from clusters.models import RegistryCredential
from clusters.tests import docker_engine
from clusters.tests.factories import ClusterFactory
from clusters.tests.registry import running_registry
from deployments.books import differences_between_books_and_runs
from deployments.models import Run
from deployments.services.pulling import pull_image
from deployments.services.steer import stop_deployment
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, evict, kinds, last, live, look, now_is

pytestmark = pytest.mark.usefixtures("only_legal_moves")
PATIENCE_SECONDS = 60
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.1; done"]


@pytest.fixture(scope="module")
def door():
    opened = docker_engine.http()
    yield opened
    opened.close()


@pytest.fixture
def engine(lab, settings):
    """A cluster of the lab's on the engine; nothing of it stays."""
    settings.KEEP_ENDED_SECONDS = 0
    connection = secrets.encrypt({"endpoint": f"unix://{docker_engine.socket_path()}"})
    cluster = ClusterFactory(
        organization=lab, runtime="docker", connection=connection, connected_by_staff=True, gpu=2
    )
    yield cluster
    driver = driver_for(cluster)
    driver.remove_many([seen.handle for seen in driver.observe()])
    assert differences_between_books_and_runs() == []


def job(cluster, *command, **fields):
    small = {"required_cpu": 100, "required_ram": 32, "gpu": 0, "docker_image": docker_engine.IMAGE}
    return DeploymentFactory(cluster=cluster, command=list(command), **(small | fields))


def until(cluster, deployment, *states):
    """Look until it is in one of these states; answers its status and reason."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (found := now_is(deployment))[0] not in states:
        assert time.monotonic() < give_up_at, f"waited for {states}, and it is {found}: {kinds(deployment)}"
        look(cluster)
        time.sleep(0.1)
    return found


def test_what_is_booked_is_what_the_engine_enforces(engine, door):
    deployment = job(engine, "sleep", "60", required_cpu=250, required_ram=64)
    book(deployment)
    until(engine, deployment, "running")
    host = docker_engine.inspect(door, live(deployment).allocations.get().handle)["HostConfig"]
    assert (host["NanoCpus"], host["Memory"]) == (250_000_000, 64 * 1024 * 1024)
    assert (host["MemorySwap"], host["Privileged"], host["CapDrop"]) == (host["Memory"], False, ["ALL"])


def test_ends_are_told_with_code_reason_and_the_end_of_the_log(engine):
    good = job(engine, "sh", "-c", "echo done")
    bad = job(engine, "sh", "-c", "echo broken; exit 3")
    hungry = job(engine, "tail", "/dev/zero", required_ram=16)
    lost_command = job(engine, "no-such-command")
    book(good, bad, hungry, lost_command)
    found = [until(engine, one, "completed", "failed") for one in (good, bad, hungry, lost_command)]
    assert found == [
        ("completed", None), ("failed", "exited_with_error"), ("failed", "out_of_memory"), ("failed", "start_refused"),
    ]  # fmt: skip
    assert (last(bad).exit_code, last(bad).log_tail) == (3, "broken\n")
    assert last(good).log_tail == "done\n"
    assert "not found" in last(lost_command).detail


def test_a_container_that_ignores_the_signal_is_killed_when_its_grace_is_over(alice, engine):
    deployment = job(engine, *STUBBORN, grace_period_seconds=1)
    book(deployment)
    until(engine, deployment, "running")
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(engine)
    run = live(deployment)
    assert run.stop_delivered_at is not None
    assert until(engine, deployment, "completed") == ("completed", None)
    assert (last(deployment).exit_code, last(deployment).outcome) == (137, "stopped")
    assert last(deployment).ended_at >= run.stop_delivered_at


def test_a_victim_holds_its_room_until_the_engine_says_that_it_is_gone(engine):
    victim, preemptor = job(engine, *STUBBORN, grace_period_seconds=1), job(engine, "true", priority=3)
    book(victim)
    until(engine, victim, "running")
    evict(victim, preemptor)
    look(engine)
    engine.refresh_from_db()
    assert (now_is(victim)[0], engine.allocated.ram) == ("stopping", 32)
    until(engine, victim, "pending")
    engine.refresh_from_db()
    assert engine.allocated.ram == 0


def test_a_gpu_is_asked_for_by_its_number_and_refused_where_there_is_none(engine):
    deployment = job(engine, "true", gpu=1)
    book(deployment)
    assert live(deployment).allocations.get().device_ids == [0]
    assert until(engine, deployment, "failed") == ("failed", "start_refused")
    assert "no GPU" in last(deployment).detail
    assert not engine.held_devices.exists()


def test_a_container_that_vanishes_is_lost_and_comes_back(engine, door):
    deployment = job(engine, "sleep", "60")
    book(deployment)
    until(engine, deployment, "running")
    driver_for(engine).remove(live(deployment).allocations.get().handle)
    until(engine, deployment, "pending")
    deployment.refresh_from_db()
    assert (deployment.lost_count, deployment.retries_used) == (1, 0)


def test_a_private_image_is_pulled_with_its_credential_and_told_in_the_story(engine, lab, door, tmp_path):
    with running_registry(door, tmp_path) as registry:
        credential = RegistryCredential.objects.create(
            organization=lab, name="ours", server=registry.login.server, username=registry.login.username,
            password=secrets.encrypt(registry.login.password),
        )  # fmt: skip
        deployment = job(engine, "true", docker_image=registry.image, registry_credential=credential)
        book(deployment)
        look(engine)
        assert now_is(deployment)[0] == "starting"
        assert live(deployment).image_ready_at is None
        pull_image(run_id=live(deployment).pk)
        assert until(engine, deployment, "completed") == ("completed", None)
        assert "image_pulled" in kinds(deployment)
        registry.forget()


@pytest.mark.parametrize(
    ("password", "name", "reason"),
    [("wrong", "", "image_pull_denied"), (None, "/nowhere:1", "image_not_found")],
)
def test_an_image_that_cannot_be_had_fails_its_run_and_says_why(
    engine, lab, door, tmp_path, password, name, reason
):
    with running_registry(door, tmp_path) as registry:
        login = registry.login
        credential = RegistryCredential.objects.create(
            organization=lab, name="ours", server=login.server, username=login.username,
            password=secrets.encrypt(password or login.password),
        )  # fmt: skip
        image = f"{login.server}{name}" if name else registry.image
        deployment = job(engine, "true", docker_image=image, registry_credential=credential)
        book(deployment)
        pull_image(run_id=live(deployment).pk)
        assert now_is(deployment) == ("failed", reason)
        assert login.password not in last(deployment).detail


def test_a_start_that_takes_too_long_gives_its_room_back(engine, settings):
    settings.START_TIMEOUT_SECONDS = 10
    deployment = job(engine, "true", docker_image="localhost:1/none:1")
    book(deployment)
    run = live(deployment)
    pull_image(run_id=run.pk)
    assert (now_is(deployment)[0], live(deployment).failure) == ("starting", "image_pull_failed")
    Run.objects.filter(pk=run.pk).update(booked_at=timezone.now() - timedelta(seconds=11))
    pull_image(run_id=run.pk)
    assert now_is(deployment) == ("failed", "image_pull_failed")
    engine.refresh_from_db()
    assert engine.allocated == (0, 0, 0)
