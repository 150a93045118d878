"""The Docker driver on a real engine: what it asks for, and what becomes of it."""

import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clusters.runtimes import docker_start
from clusters.runtimes.base import Cause, Owner, Phase, text_of
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_spec import container_name, create_body, network_name
from clusters.runtimes.http import EngineHTTP

from .docker_engine import IMAGE, ended, inspect, new_owner, refusal, spec

pytestmark = pytest.mark.usefixtures("docker_http")


class Recording:
    """A door that notes what is called through it."""

    def __init__(self, door: EngineHTTP) -> None:
        self._door, self.calls = door, []

    def call(self, method: str, path: str, **more):
        self.calls.append((method, path.removeprefix("/v1.41"), more.get("body")))
        return self._door.call(method, path, **more)

    def stream(self, *args, **more):
        return self._door.stream(*args, **more)


@pytest.fixture
def owner(docker: DockerDriver) -> Owner:
    return docker._owner


@pytest.fixture
def recording(docker_http: EngineHTTP, docker: DockerDriver, owner: Owner) -> tuple[DockerDriver, Recording]:
    """Another driver of the same owner, and what it calls."""
    door = Recording(docker_http)
    return DockerDriver(door, owner), door


def networks(door: EngineHTTP, owner: Owner) -> list[str]:
    prefix = network_name(owner, 0).removesuffix("0")
    return [
        found["Name"]
        for found in door.call("GET", "/v1.41/networks").body
        if found["Name"].startswith(prefix)
    ]


class TestWhatAContainerMayDo:
    def test_every_safety_and_limit_is_set_on_the_engine(self, docker, docker_http, owner) -> None:
        asked = spec(
            "sleep", "60", cpu_milli=250, ram_mib=64, organization=7, ports=(8080,), env={"A": "1"},
            labels={"team": "vision", "mlops-hypervisor/run": "forged", "mlops-hypervisor/cluster": "forged"},
        )  # fmt: skip
        handle = docker.start(asked)
        assert handle == container_name(owner, asked.name)
        found = inspect(docker_http, handle)
        host = found["HostConfig"]
        assert {
            name: host[name] for name in (
                "Privileged", "CapAdd", "CapDrop", "SecurityOpt", "PidsLimit", "NanoCpus", "Memory", "MemorySwap",
                "PidMode", "IpcMode", "Binds", "PortBindings", "PublishAllPorts", "Devices", "DeviceRequests", "Init",
                "AutoRemove", "VolumesFrom",
            )
        } == {
            "Privileged": False, "CapAdd": None, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": 4096, "NanoCpus": 250_000_000, "Memory": 64 << 20, "MemorySwap": 64 << 20, "PidMode": "",
            "IpcMode": "private", "Binds": None, "PortBindings": None, "PublishAllPorts": False, "Devices": None,
            "DeviceRequests": None, "Init": True, "AutoRemove": False, "VolumesFrom": None,
        }  # fmt: skip
        assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
        assert found["Mounts"] == []
        assert list(found["NetworkSettings"]["Networks"]) == [network_name(owner, 7)]
        assert found["Config"]["ExposedPorts"] == {"8080/tcp": {}}
        assert found["NetworkSettings"]["Ports"] == {"8080/tcp": None}
        assert found["Config"]["Labels"] == {
            "team": "vision",
            "mlops-hypervisor/run": asked.name,
            "mlops-hypervisor/cluster": owner.cluster,
            "mlops-hypervisor/installation": owner.installation,
            "mlops-hypervisor/organization": "7",
        }
        assert "NVIDIA_VISIBLE_DEVICES=void" in found["Config"]["Env"]

    def test_amounts_of_nothing_are_limits_all_the_same(self, docker, docker_http) -> None:
        handle = docker.start(spec("sleep", "60", cpu_milli=0, ram_mib=0))
        host = inspect(docker_http, handle)["HostConfig"]
        assert (host["NanoCpus"], host["Memory"]) == (10_000_000, 6 << 20)

    def test_root_in_a_container_has_no_capability(self, docker) -> None:
        asked = spec("sh", "-c", "grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status; chown 1:1 /tmp")
        handle = docker.start(asked)
        assert ended(docker, asked.name).exit_code == 1
        words = text_of(docker.logs(handle, 10)).split()
        assert words[:8] == [
            "CapPrm:",
            "0" * 16,
            "CapEff:",
            "0" * 16,
            "CapBnd:",
            "0" * 16,
            "NoNewPrivs:",
            "1",
        ]

    def test_more_memory_than_asked_for_ends_it_and_says_why(self, docker) -> None:
        asked = spec("tail", "/dev/zero")
        docker.start(asked)
        seen = ended(docker, asked.name)
        assert (seen.exit_code, seen.cause) == (137, Cause.OUT_OF_MEMORY)

    def test_gpus_are_asked_for_by_number_and_nobody_chooses_others(self, recording, docker_http) -> None:
        driver, door = recording
        asked = spec("sleep", "60", device_ids=(0, 3), env={"NVIDIA_VISIBLE_DEVICES": "all"})
        failure = refusal(lambda: driver.start(asked))
        assert (failure.permanent, failure.cause) == (True, Cause.START_REFUSED)
        assert str(failure) == "The engine has no GPU of that number, or no NVIDIA container runtime."
        (body,) = [body for method, path, body in door.calls if path == "/containers/create"]
        assert body["HostConfig"]["DeviceRequests"] == [
            {"Driver": "nvidia", "DeviceIDs": ["0", "3"], "Capabilities": [["gpu"]]}
        ]
        assert [word for word in body["Env"] if word.startswith("NVIDIA")] == ["NVIDIA_VISIBLE_DEVICES=0,3"]
        assert driver.observe() == ()


class TestAStartThatIsRefused:
    @pytest.mark.parametrize("command", ["no-such-command", "/no/such/file"])
    def test_an_unknown_command_is_told_as_the_end(self, docker, command: str) -> None:
        asked = spec(command)
        docker.start(asked)
        seen = ended(docker, asked.name)
        assert (seen.exit_code, seen.cause) == (127, Cause.START_REFUSED)
        assert seen.detail == "The command was not found in the image."

    def test_a_command_that_may_not_be_executed_is_told_as_the_end(self, docker) -> None:
        asked = spec("/etc")
        docker.start(asked)
        seen = ended(docker, asked.name)
        assert (seen.exit_code, seen.cause, seen.detail) == (
            126, Cause.START_REFUSED, "The command may not be executed in the image.",
        )  # fmt: skip

    def test_a_script_that_ends_with_the_same_code_is_no_refusal(self, docker) -> None:
        asked = spec("sh", "-c", "no-such-command")
        docker.start(asked)
        seen = ended(docker, asked.name)
        assert (seen.exit_code, seen.cause, seen.detail) == (127, None, "")

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"working_dir": "/bin/sh/x"}, "The working directory cannot be used in this image."),
            ({"cpu_milli": 900_000}, "The engine has fewer CPUs than are asked for."),
        ],
    )
    def test_nothing_stays_of_what_the_engine_refuses_for_good(
        self, docker, docker_http, owner, fields: dict[str, object], sentence: str
    ) -> None:
        failure = refusal(lambda: docker.start(spec("sleep", "60", **fields)))
        assert (str(failure), failure.permanent, failure.cause) == (sentence, True, Cause.START_REFUSED)
        assert docker.observe() == ()
        assert networks(docker_http, owner) == []

    def test_a_missing_image_is_to_be_pulled_again(self, docker) -> None:
        failure = refusal(lambda: docker.start(spec("x", image="localhost/none:none")))
        assert (failure.permanent, failure.cause) == (False, Cause.IMAGE_NOT_FOUND)

    def test_a_name_that_somebody_else_took_is_refused(self, docker, docker_http, owner, request) -> None:
        from .docker_engine import make_foreign

        make_foreign(request, owner)
        failure = refusal(lambda: docker.start(replace(spec("x"), name="foreign")))
        assert (failure.permanent, failure.cause) == (True, Cause.START_REFUSED)
        assert inspect(docker_http, container_name(owner, "foreign"))["State"]["Running"]
        assert networks(docker_http, owner) == []


class TestAContainerThatNeverRan:
    @pytest.fixture
    def unstarted(self, docker, docker_http, owner):
        """Made as the driver makes one, by somebody who then died."""
        asked = spec("sh", "-c", "echo ran >> /tmp/x; sleep 60")
        handle = container_name(owner, asked.name)
        body = create_body(asked, owner, "bridge")
        assert (
            docker_http.call("POST", "/v1.41/containers/create", query={"name": handle}, body=body).status
            == 201
        )
        return asked

    def test_is_seen_as_created(self, docker, unstarted) -> None:
        (seen,) = docker.observe()
        assert (seen.name, seen.phase, seen.started_at, seen.exit_code) == (
            unstarted.name,
            Phase.CREATED,
            None,
            None,
        )

    def test_is_left_to_who_made_it_while_it_is_young(self, docker, unstarted) -> None:
        docker.start(unstarted)
        assert docker.observe()[0].phase is Phase.CREATED

    def test_is_started_when_it_is_old(self, docker, unstarted, monkeypatch) -> None:
        monkeypatch.setattr(docker_start, "LEFT_ALONE", timedelta(seconds=1))
        time.sleep(2.5)
        docker.start(unstarted)
        assert docker.observe()[0].phase is Phase.RUNNING

    def test_is_removed_by_a_stop(self, docker, unstarted) -> None:
        (seen,) = docker.observe()
        docker.stop(seen.handle, 30)
        assert docker.observe() == ()


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
        assert ended(docker, stranger.name).exit_code == 9

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
        from clusters.runtimes import docker_containers

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
