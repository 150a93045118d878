"""What every driver promises, whatever its engine. A new driver joins by adding its harness to `ENGINES`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC

import pytest

from clusters.runtimes.base import ContainerSpec, OneByOne, Phase, RuntimeFailure, text_of
from clusters.runtimes.simulated import SimulatedDriver

from .contract_harness import ENGINES, HARNESSES, Harness


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The engine under test, empty of our containers afterwards."""
    yield from HARNESSES[request.param](request).emptied()


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
