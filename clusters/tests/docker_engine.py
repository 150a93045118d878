"""The real Docker engine of DOCKER_HOST, for tests. It is shared, so each test has an owner of its own."""

import os
import time
import uuid
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from clusters.runtimes.base import ContainerSpec, Owner, Phase, RuntimeFailure
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_spec import container_name, network_name
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP

IMAGE = "busybox:test"
STAFF = Reach(trusted=True)


def socket_path() -> str:
    """The engine's socket; without one the test is skipped, and under CI it fails."""
    host = os.environ.get("DOCKER_HOST", "")
    path = host.removeprefix("unix://")
    if not host.startswith("unix://") or not os.path.exists(path):
        missing("There is no engine at DOCKER_HOST (unix://…).")
    return path


def missing(message: str) -> NoReturn:
    """What a test needs is not on this machine: it is skipped, and under CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def http() -> EngineHTTP:
    """A new door to the engine."""
    return EngineHTTP(Endpoint(Scheme.UNIX, path=socket_path()), STAFF)


def new_owner() -> Owner:
    """An owner nobody else has."""
    return Owner(uuid.uuid4().hex, uuid.uuid4().hex)


def driver(owner: Owner) -> DockerDriver:
    """A driver that connects anew."""
    return DockerDriver(http(), owner)


def spec(*command: str, **fields: Any) -> ContainerSpec:
    """A small container with a name of its own."""
    small = {"image": IMAGE, "cpu_milli": 100, "ram_mib": 16, "gpu_milli": 0}
    return ContainerSpec(**(small | {"name": f"run-{uuid.uuid4().hex[:12]}", "command": command} | fields))


def inspect(door: EngineHTTP, handle: str) -> Any:
    """All that the engine tells of a container; None if there is none."""
    answer = door.call("GET", f"/v1.41/containers/{handle}/json")
    return answer.body if answer.status == 200 else None


def make_foreign(request: pytest.FixtureRequest, owner: Owner) -> str:
    """A container that looks a little like the owner's but has no label of ours; removed after the test."""
    door, name = http(), container_name(owner, "foreign")
    body = {"Image": IMAGE, "Entrypoint": ["sleep", "60"], "HostConfig": {"Init": True}}
    assert door.call("POST", "/v1.41/containers/create", query={"name": name}, body=body).status == 201
    request.addfinalizer(lambda: door.call("DELETE", f"/v1.41/containers/{name}", query={"force": "true"}))
    assert door.call("POST", f"/v1.41/containers/{name}/start").status == 204
    return name


def still_runs(door: EngineHTTP, handle: str) -> bool:
    """Whether the engine says so."""
    found = inspect(door, handle)
    return bool(found and found["State"]["Running"])


def emptied(running: DockerDriver) -> Iterator[DockerDriver]:
    """Nothing of its owner stays."""
    try:
        yield running
    finally:
        failures = running.remove_many([seen.handle for seen in running.observe()])
        assert failures == {}


def refusal(call: Any) -> RuntimeFailure:
    """The failure that this call raises."""
    with pytest.raises(RuntimeFailure) as caught:
        call()
    return caught.value


def ended(running: DockerDriver, name: str) -> Any:
    """The container, once it has ended."""
    for _ in range(600):
        for seen in running.observe():
            if seen.name == name and seen.phase is Phase.ENDED:
                return seen
        time.sleep(0.1)
    raise AssertionError("It has not ended.")


class Recording:
    """A door that notes what is called through it."""

    def __init__(self, door: EngineHTTP) -> None:
        self._door, self.calls = door, []

    def call(self, method: str, path: str, **more):
        self.calls.append((method, path.removeprefix("/v1.41"), more.get("body")))
        return self._door.call(method, path, **more)

    def stream(self, *args, **more):
        return self._door.stream(*args, **more)


def networks(door: EngineHTTP, owner: Owner) -> list[str]:
    prefix = network_name(owner, 0).removesuffix("0")
    return [
        found["Name"]
        for found in door.call("GET", "/v1.41/networks").body
        if found["Name"].startswith(prefix)
    ]
