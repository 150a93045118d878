"""What every driver promises, whatever its engine. A new driver joins by adding its harness to `ENGINES`.

Engines that run real processes stand in `REAL_ENGINES` too, and promise what only a real process can show.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC

import pytest

from clusters.runtimes.base import ContainerSpec, Driver, Observed, OneByOne, Phase, RuntimeFailure, text_of
from clusters.runtimes.simulated import SimulatedDriver

from . import docker_engine, kubernetes_harness

REAL_ENGINES = ["docker", "kubernetes", *(["real kubernetes"] if kubernetes_harness.REAL_KUBECONFIG else [])]
ENGINES = ["simulated", *REAL_ENGINES]


class Harness:
    """One engine under test: drivers that connect to it anew, and what to run on it."""

    def __init__(
        self,
        connect: Callable[[], Driver],
        brief_seconds: float,
        patience_seconds: float,
        *,
        image: str = "busybox:1",
        connect_other: Callable[[], Driver] | None = None,
        make_foreign: Callable[[], str] | None = None,
    ) -> None:
        """`connect_other` is for another owner; `make_foreign` makes a container of nobody's and answers its handle."""
        self.connect, self.connect_other, self.make_foreign = connect, connect_other, make_foreign
        self._image = image
        self.driver = connect()
        self.brief_seconds = brief_seconds
        self._patience_seconds = patience_seconds

    def spec(self, *, seconds: float | None = None) -> ContainerSpec:
        """A container that sleeps for so long and exits with 0; None: until it is stopped."""
        return ContainerSpec(
            name=f"run-{uuid.uuid4().hex}",
            image=self._image,
            cpu_milli=100,
            ram_mib=16,
            gpu_milli=0,
            command=("sh", "-c", f"echo one; echo two; exec sleep {3600 if seconds is None else seconds}"),
            simulated_seconds=seconds,
        )

    def script(self, script: str, **fields: object) -> ContainerSpec:
        """A container that runs this script in a shell."""
        return replace(self.spec(), **({"command": ("sh", "-c", script)} | fields))

    def find(self, name: str) -> Observed | None:
        """What the engine tells of this name now; at most one container may have it."""
        found = [seen for seen in self.driver.observe() if seen.name == name]
        assert len(found) <= 1
        return found[0] if found else None

    def wait(self, name: str, phase: Phase) -> Observed:
        """Look until the container is in this phase."""
        give_up_at = time.monotonic() + self._patience_seconds
        while True:
            seen = self.find(name)
            if seen is not None and seen.phase is phase:
                return seen
            assert time.monotonic() < give_up_at, f"waited for {phase}, and saw {seen}"
            time.sleep(0.01)

    def wait_until_over(self, name: str) -> Observed | None:
        """Look until the container has ended, or is gone: some engines forget what they stopped."""
        give_up_at = time.monotonic() + self._patience_seconds
        while (seen := self.find(name)) is not None and seen.phase is not Phase.ENDED:
            assert time.monotonic() < give_up_at, f"waited for the end, and saw {seen}"
            time.sleep(0.01)
        return seen

    def wait_gone(self, name: str) -> None:
        """Look until the container is gone; until then it may only be stopping."""
        give_up_at = time.monotonic() + self._patience_seconds
        while (seen := self.find(name)) is not None:
            assert seen.phase is Phase.STOPPING
            assert time.monotonic() < give_up_at, f"waited for its removal, and saw {seen}"
            time.sleep(0.01)


def simulated_harness(request: pytest.FixtureRequest) -> Harness:
    client = request.getfixturevalue("simulator_redis")
    name = request.getfixturevalue("engine_name")
    return Harness(lambda: SimulatedDriver(client, name, {}), brief_seconds=0.05, patience_seconds=10)


def docker_harness(request: pytest.FixtureRequest) -> Harness:
    owner, other = docker_engine.new_owner(), docker_engine.new_owner()
    request.getfixturevalue("docker_http")
    return Harness(
        lambda: docker_engine.driver(owner),
        brief_seconds=0.3,
        patience_seconds=60,
        image=docker_engine.IMAGE,
        connect_other=lambda: docker_engine.driver(other),
        make_foreign=lambda: docker_engine.make_foreign(request, owner),
    )


def kubernetes_double_harness(request: pytest.FixtureRequest) -> Harness:
    """A double of the API server, behind which containers are processes of this machine."""
    double = request.getfixturevalue("double")
    owner, other = kubernetes_harness.new_owner(), kubernetes_harness.new_owner()
    return Harness(
        lambda: kubernetes_harness.driver_of(double, owner),
        brief_seconds=0.05,
        patience_seconds=10,
        connect_other=lambda: kubernetes_harness.driver_of(double, other),
        make_foreign=lambda: kubernetes_harness.make_foreign(double, owner),
    )


def real_kubernetes_harness(request: pytest.FixtureRequest) -> Harness:
    owner, other = kubernetes_harness.new_owner(), kubernetes_harness.new_owner()
    return Harness(
        lambda: kubernetes_harness.real_driver(owner),
        brief_seconds=1,
        patience_seconds=120,
        connect_other=lambda: kubernetes_harness.real_driver(other),
    )


HARNESSES = {
    "simulated": simulated_harness,
    "docker": docker_harness,
    "kubernetes": kubernetes_double_harness,
    "real kubernetes": real_kubernetes_harness,
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The engine under test, empty of our containers afterwards."""
    yield from emptied(HARNESSES[request.param](request))


@pytest.fixture(params=REAL_ENGINES)
def real_engine(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The same, where containers are real processes."""
    yield from emptied(HARNESSES[request.param](request))


def emptied(harness: Harness) -> Iterator[Harness]:
    """Nothing of ours stays on it."""
    try:
        yield harness
    finally:
        harness.driver.remove_many([seen.handle for seen in harness.driver.observe()])


class TestEveryDriver:
    def test_check_tells_what_the_engine_is(self, engine: Harness) -> None:
        assert engine.driver.check().version

    def test_a_started_container_runs_under_its_name_and_handle(self, engine: Harness) -> None:
        spec = engine.spec()
        handle = engine.driver.start(spec)
        seen = engine.wait(spec.name, Phase.RUNNING)
        assert seen.handle == handle
        assert seen.started_at is not None
        assert seen.started_at.tzinfo is UTC
        assert (seen.ended_at, seen.exit_code) == (None, None)

    def test_a_start_repeated_finds_the_same_container(self, engine: Harness) -> None:
        spec = engine.spec()
        first = engine.driver.start(spec)
        started_at = engine.wait(spec.name, Phase.RUNNING).started_at
        assert engine.driver.start(spec) == first
        assert engine.wait(spec.name, Phase.RUNNING).started_at == started_at

    def test_many_who_start_the_same_name_at_once_start_it_once(self, engine: Harness) -> None:
        spec = engine.spec()
        with ThreadPoolExecutor(8) as threads:
            handles = list(threads.map(lambda _: engine.connect().start(spec), range(16)))
        assert len(set(handles)) == 1
        assert engine.wait(spec.name, Phase.RUNNING).handle == handles[0]

    def test_a_container_outlives_the_driver_that_started_it(self, engine: Harness) -> None:
        spec = engine.spec()
        handle = engine.connect().start(spec)
        engine.driver = engine.connect()
        assert engine.wait(spec.name, Phase.RUNNING).handle == handle

    def test_a_container_ends_by_itself_with_its_own_exit_code(self, engine: Harness) -> None:
        spec = engine.spec(seconds=engine.brief_seconds)
        engine.driver.start(spec)
        seen = engine.wait(spec.name, Phase.ENDED)
        assert seen.exit_code == 0
        assert seen.started_at is not None
        assert seen.ended_at is not None
        assert seen.started_at <= seen.ended_at

    def test_an_ended_container_is_not_started_again_until_it_is_removed(self, engine: Harness) -> None:
        spec = engine.spec(seconds=engine.brief_seconds)
        handle = engine.driver.start(spec)
        ended = engine.wait(spec.name, Phase.ENDED)
        assert engine.driver.start(spec) == handle
        assert engine.find(spec.name) == ended
        engine.driver.remove(handle)
        engine.driver.start(replace(spec, simulated_seconds=None, command=("sleep", "3600")))
        engine.wait(spec.name, Phase.RUNNING)

    def test_a_stopped_container_ends_by_a_signal_or_is_gone(self, engine: Harness) -> None:
        spec = engine.spec()
        handle = engine.driver.start(spec)
        engine.wait(spec.name, Phase.RUNNING)
        engine.driver.stop(handle, 1)
        seen = engine.wait_until_over(spec.name)
        assert seen is None or seen.exit_code in (143, 137)

    def test_a_stop_repeated_or_too_late_changes_nothing(self, engine: Harness) -> None:
        stopped, ended = engine.spec(), engine.spec(seconds=engine.brief_seconds)
        for spec in (stopped, ended):
            engine.driver.start(spec)
        engine.driver.stop(engine.wait(stopped.name, Phase.RUNNING).handle, 1)
        handles = [seen.handle for seen in engine.driver.observe()]
        before = [engine.wait_until_over(stopped.name), engine.wait(ended.name, Phase.ENDED)]
        for handle in handles:
            engine.driver.stop(handle, 1)
        assert [engine.find(spec.name) for spec in (stopped, ended)] == before

    def test_a_running_container_is_killed_by_its_removal(self, engine: Harness) -> None:
        spec = engine.spec()
        handle = engine.driver.start(spec)
        engine.wait(spec.name, Phase.RUNNING)
        engine.driver.remove(handle)
        engine.wait_gone(spec.name)
        engine.driver.remove(handle)

    def test_an_unknown_handle_is_fine_to_stop_and_to_remove(self, engine: Harness) -> None:
        engine.driver.stop("nobody", 1)
        engine.driver.remove("nobody")
        assert engine.driver.observe() == ()

    def test_logs_are_the_last_lines_written(self, engine: Harness) -> None:
        spec = engine.spec(seconds=engine.brief_seconds)
        handle = engine.driver.start(spec)
        engine.wait(spec.name, Phase.ENDED)
        lines = text_of(engine.driver.logs(handle, 100)).splitlines()
        assert text_of(engine.driver.logs(handle, 1)).splitlines() == lines[-1:]
        assert text_of(engine.driver.logs(handle, 0)) == ""

    def test_logs_of_an_unknown_handle_are_a_permanent_failure(self, engine: Harness) -> None:
        with pytest.raises(RuntimeFailure) as caught:
            engine.driver.logs("nobody", 10)
        assert caught.value.permanent

    def test_many_are_started_stopped_and_removed_in_one_call(self, engine: Harness) -> None:
        specs = [engine.spec() for _ in range(3)]
        handles = engine.driver.start_many(specs)
        assert list(handles) == [spec.name for spec in specs]
        seen = {spec.name: engine.wait(spec.name, Phase.RUNNING).handle for spec in specs}
        assert handles == seen
        assert engine.driver.stop_many(dict.fromkeys(seen.values(), 1)) == {}
        for spec in specs:
            engine.wait_until_over(spec.name)
        assert engine.driver.remove_many(seen.values()) == {}
        for spec in specs:
            engine.wait_gone(spec.name)

    def test_nothing_to_do_is_fine_for_the_calls_of_many(self, engine: Harness) -> None:
        assert (
            engine.driver.start_many([]) == engine.driver.stop_many({}) == engine.driver.remove_many([]) == {}
        )


class TestEveryRealEngine:
    def test_a_container_that_fails_tells_its_exit_code(self, real_engine: Harness) -> None:
        spec = real_engine.script("exit 3")
        real_engine.driver.start(spec)
        assert real_engine.wait(spec.name, Phase.ENDED).exit_code == 3

    def test_a_container_gets_its_command_arguments_environment_and_directory(
        self, real_engine: Harness
    ) -> None:
        spec = real_engine.script(
            'echo "$0 $1 $PLAIN $SECRET $(pwd)"',
            args=("zero", "two words"),
            env={"PLAIN": "a=b c"},
            secret_env={"SECRET": "s3cret"},
            working_dir="/tmp",
        )
        handle = real_engine.driver.start(spec)
        real_engine.wait(spec.name, Phase.ENDED)
        assert text_of(real_engine.driver.logs(handle, 10)) == "zero two words a=b c s3cret /tmp\n"

    def test_a_container_that_ignores_the_signal_is_killed_when_its_grace_is_over(
        self, real_engine: Harness
    ) -> None:
        spec = real_engine.script(
            "trap '' TERM; echo ready; while true; do sleep 0.1; done", grace_seconds=300
        )
        handle = real_engine.driver.start(spec)
        real_engine.wait(spec.name, Phase.RUNNING)
        ready = real_engine.driver.logs(handle, 10, follow=True)
        assert b"ready" in next(iter(ready))
        ready.close()
        real_engine.driver.stop(handle, 300)
        time.sleep(1)
        seen = real_engine.find(spec.name)
        assert seen is not None
        assert seen.phase in (Phase.RUNNING, Phase.STOPPING)
        real_engine.driver.stop(handle, 0)
        seen = real_engine.wait_until_over(spec.name)
        assert seen is None or seen.exit_code == 137

    def test_followed_logs_end_with_the_container(self, real_engine: Harness) -> None:
        spec = real_engine.script("for i in 1 2 3; do echo line $i; sleep 0.3; done; echo oops >&2; exit 1")
        handle = real_engine.driver.start(spec)
        real_engine.wait(spec.name, Phase.RUNNING)
        lines = text_of(real_engine.driver.logs(handle, 10, follow=True)).splitlines()
        assert sorted(lines) == ["line 1", "line 2", "line 3", "oops"]
        assert len(text_of(real_engine.driver.logs(handle, 2)).splitlines()) == 2

    def test_followed_logs_are_ended_by_another_thread(self, real_engine: Harness) -> None:
        spec = real_engine.spec()
        handle = real_engine.driver.start(spec)
        real_engine.wait(spec.name, Phase.RUNNING)
        logs = real_engine.driver.logs(handle, 10, follow=True)
        closer = threading.Timer(1, logs.close)
        closer.start()
        began = time.monotonic()
        assert text_of(logs).splitlines() == ["one", "two"]
        assert time.monotonic() - began < 10
        closer.join()
        assert real_engine.wait(spec.name, Phase.RUNNING).handle == handle

    def test_an_owner_sees_and_disturbs_nothing_of_another(self, real_engine: Harness) -> None:
        spec = real_engine.spec()
        handle = real_engine.driver.start(spec)
        real_engine.wait(spec.name, Phase.RUNNING)
        other = real_engine.connect_other()
        assert other.observe() == ()
        other.stop(handle, 0)
        other.remove(handle)
        with pytest.raises(RuntimeFailure):
            other.logs(handle, 10)
        assert real_engine.wait(spec.name, Phase.RUNNING).handle == handle

    def test_a_container_of_nobody_is_not_seen_nor_touched(self, real_engine: Harness) -> None:
        handle = real_engine.make_foreign()
        assert real_engine.driver.observe() == ()
        real_engine.driver.stop(handle, 0)
        real_engine.driver.remove(handle)
        with pytest.raises(RuntimeFailure):
            real_engine.driver.logs(handle, 10)


class OneAtATime(OneByOne, SimulatedDriver):
    """A driver without bulk calls of its own, which refuses one name."""

    refused = ""

    def start(self, spec: ContainerSpec) -> str:
        if spec.name == self.refused:
            raise RuntimeFailure("refused", permanent=True)
        started = SimulatedDriver.start_many(self, [spec])[spec.name]
        assert isinstance(started, str)
        return started

    def stop(self, handle: str, grace_seconds: int) -> None:
        if handle == self.refused:
            raise RuntimeFailure("refused", permanent=True)
        assert SimulatedDriver.stop_many(self, {handle: grace_seconds}) == {}

    def remove(self, handle: str) -> None:
        if handle == self.refused:
            raise RuntimeFailure("refused", permanent=True)
        assert SimulatedDriver.remove_many(self, [handle]) == {}


def test_one_failure_hides_none_of_the_others_where_an_engine_takes_one_at_a_time(
    simulator_redis, engine_name: str
) -> None:
    driver = OneAtATime(simulator_redis, engine_name, {})
    harness = Harness(lambda: driver, brief_seconds=0.05, patience_seconds=10)
    specs = [harness.spec() for _ in range(3)]
    driver.refused = specs[1].name
    answers = driver.start_many(specs)
    assert isinstance(answers[driver.refused], RuntimeFailure)
    assert {seen.name for seen in driver.observe()} == {specs[0].name, specs[2].name}
    handles = [seen.handle for seen in driver.observe()]
    driver.refused = handles[0]
    assert list(driver.stop_many(dict.fromkeys(handles, 0))) == handles[:1]
    assert [harness.find(seen.name).phase for seen in driver.observe() if seen.handle != handles[0]] == [
        "ended"
    ]
    assert list(driver.remove_many(handles)) == handles[:1]
    assert [seen.handle for seen in driver.observe()] == handles[:1]
