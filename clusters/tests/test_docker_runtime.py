"""The Docker driver on a real engine: what it asks for, and what becomes of it."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from clusters.runtimes import docker_start
from clusters.runtimes.base import Cause, Owner, Phase, text_of
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_spec import container_name, create_body, network_name
from clusters.runtimes.http import EngineHTTP

from .docker_engine import Recording, ended, inspect, make_foreign, networks, refusal, spec

pytestmark = pytest.mark.usefixtures("docker_http")


@pytest.fixture
def owner(docker: DockerDriver) -> Owner:
    return docker._owner


@pytest.fixture
def recording(docker_http: EngineHTTP, docker: DockerDriver, owner: Owner) -> tuple[DockerDriver, Recording]:
    """Another driver of the same owner, and what it calls."""
    door = Recording(docker_http)
    return DockerDriver(door, owner), door


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
        asked = spec(
            "sh", "-c", "grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status; chown 1:1 /tmp 2>/dev/null"
        )
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
