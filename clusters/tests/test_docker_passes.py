"""The Docker driver on a real engine: networks, passes over it, and what it tells as it happens."""

import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clusters.runtimes import docker_containers, docker_start
from clusters.runtimes.base import Cause, Owner, Phase, text_of
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_spec import create_body, network_name
from clusters.runtimes.http import EngineHTTP

from .docker_engine import IMAGE, Recording, ended, inspect, networks, new_owner, refusal, spec

pytestmark = pytest.mark.usefixtures("docker_http")


@pytest.fixture
def owner(docker: DockerDriver) -> Owner:
    return docker._owner


@pytest.fixture
def recording(docker_http: EngineHTTP, docker: DockerDriver, owner: Owner) -> tuple[DockerDriver, Recording]:
    """Another driver of the same owner, and what it calls."""
    door = Recording(docker_http)
    return DockerDriver(door, owner), door


class TestNetworks:
    def test_an_organization_has_one_of_its_own_while_it_has_containers(
        self, docker, docker_http, owner
    ) -> None:
        first, second = (docker.start(spec("sleep", "60", organization=1)) for _ in range(2))
        other = docker.start(spec("sleep", "60", organization=2))
        assert sorted(networks(docker_http, owner)) == [network_name(owner, 1), network_name(owner, 2)]
        docker.remove(first)
        assert network_name(owner, 1) in networks(docker_http, owner)
        docker.remove(second)
        assert networks(docker_http, owner) == [network_name(owner, 2)]
        docker.remove_many([other])
        assert networks(docker_http, owner) == []

    def test_containers_of_one_reach_each_other_and_nobody_elses(self, docker, docker_http) -> None:
        serve = "while true; do echo hello | nc -l -p 8080; done"
        handle = docker.start(spec("sh", "-c", serve, organization=1, ports=(8080,)))
        (network,) = inspect(docker_http, handle)["NetworkSettings"]["Networks"].values()
        call = f"nc -w 1 {network['IPAddress']} 8080 </dev/null"
        ask = f"for i in 1 2 3 4 5; do {call} && exit 0; sleep 0.2; done; exit 9"
        friend, stranger = (spec("sh", "-c", ask, organization=which) for which in (1, 2))
        handles = [docker.start(asked) for asked in (friend, stranger)]
        assert ended(docker, friend.name).exit_code == 0
        assert text_of(docker.logs(handles[0], 10)) == "hello\n"
        # A second dockerd on the same machine, while it starts, takes the first one's rules between bridges away.
        assert ended(docker, stranger.name).exit_code == 9
        assert "hello" not in text_of(docker.logs(handles[1], 10))

    def test_a_network_that_is_gone_is_made_anew(self, docker, docker_http, owner, monkeypatch) -> None:
        real, lies = docker_start.network_of, ["0" * 64]
        monkeypatch.setattr(docker_start, "network_of", lambda *args: lies.pop() if lies else real(*args))
        asked = spec("sleep", "60", organization=3)
        docker.start(asked)
        assert docker.observe()[0].phase is Phase.RUNNING
        assert networks(docker_http, owner) == [network_name(owner, 3)]


class TestAPass:
    def test_over_a_quiet_engine_is_one_call(self, recording) -> None:
        driver, door = recording
        running, done = spec("sleep", "60"), spec("true")
        driver.start_many([running, done])
        ended(driver, done.name)
        before = driver.observe()
        door.calls.clear()
        assert driver.observe() == before
        assert [call[:2] for call in door.calls] == [("GET", "/containers/json")]

    def test_a_paused_container_runs(self, docker, docker_http) -> None:
        handle = docker.start(spec("sleep", "60"))
        docker_http.call("POST", f"/v1.41/containers/{handle}/pause")
        assert docker.observe()[0].phase is Phase.RUNNING
        docker.stop(handle, 0)

    def test_a_container_that_was_given_our_labels_by_somebody_else_is_not_ours(
        self, docker, docker_http, owner
    ) -> None:
        name = f"thief-{uuid.uuid4().hex}"
        body = create_body(spec("true"), owner, "bridge")
        docker_http.call("POST", "/v1.41/containers/create", query={"name": name}, body=body)
        try:
            assert docker.observe() == ()
        finally:
            docker_http.call("DELETE", f"/v1.41/containers/{name}")

    def test_times_of_an_engine_whose_clock_is_wrong_are_corrected(self, docker, docker_http) -> None:
        class Late(Recording):
            """An engine that believes to be an hour behind, which its own times show too late by an hour."""

            def call(self, *args, **more):
                answer = super().call(*args, **more)
                hour_ago = datetime.now(UTC) + timedelta(hours=1)
                return replace(
                    answer, headers={**answer.headers, "date": hour_ago.strftime("%a, %d %b %Y %H:%M:%S GMT")}
                )

        docker.start(spec("sleep", "60"))
        (true,) = docker.observe()
        other = DockerDriver(Late(docker_http), docker._owner)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(docker_containers, "_memory", docker_containers.Memory())
            (seen,) = other.observe()
        assert abs(true.started_at - seen.started_at - timedelta(hours=1)) < timedelta(seconds=3)


class TestStreams:
    def test_something_is_told_when_a_container_of_ours_starts_and_ends(self, docker) -> None:
        changes = docker.changes()
        told = []
        listener = threading.Thread(target=lambda: told.extend(changes))
        listener.start()
        asked = spec("true")
        docker.start(asked)
        ended(docker, asked.name)
        time.sleep(0.3)
        changes.close()
        listener.join(5)
        assert not listener.is_alive()
        assert told == [None] * 3  # created, started, died

    def test_nothing_is_told_of_anybody_elses(self, docker, docker_http) -> None:
        other = DockerDriver(docker_http, new_owner())
        changes = other.changes()
        threading.Timer(1.5, changes.close).start()
        asked = spec("true")
        docker.start(asked)
        assert list(changes) == []

    def test_a_line_without_an_end_comes_in_pieces(self, docker) -> None:
        asked = spec("sh", "-c", "dd if=/dev/zero bs=1M count=5 | tr '\\0' x", ram_mib=64)
        handle = docker.start(asked)
        ended(docker, asked.name)
        sizes = [len(piece) for piece in docker.logs(handle, 10_000)]
        assert sum(sizes) >= 5 << 20
        assert max(sizes) < 1 << 20


def test_check_tells_size_and_facts(docker) -> None:
    facts = docker.check()
    assert facts.version
    cpu_milli, ram_mib, gpu_milli = facts.capacity
    assert cpu_milli >= 1000
    assert ram_mib > 100
    assert gpu_milli == 0
    assert facts.facts["has_nvidia"] is False
    assert facts.facts["gpus"] == "The engine does not tell."
    assert facts.facts["api_version"] >= "1.41"
    assert facts.facts["clock_ahead_seconds"] == 0


def test_an_image_that_may_never_be_pulled_must_be_there(docker) -> None:
    assert docker.needs_pull(spec("x", pull="never")) is False
    failure = refusal(lambda: docker.needs_pull(spec("x", pull="never", image="localhost/none:none")))
    assert (failure.permanent, failure.cause) == (True, Cause.IMAGE_NOT_FOUND)


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, False),
        ({"pull": "always"}, True),
        ({"image": "localhost/none:none"}, True),
        ({"image": IMAGE}, False),
    ],
)
def test_an_image_is_pulled_when_it_is_absent_or_always(docker, fields: dict[str, str], answer: bool) -> None:
    assert docker.needs_pull(spec("x", **fields)) is answer
