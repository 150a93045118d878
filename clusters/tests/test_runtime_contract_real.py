"""What a driver promises where its engine runs real processes."""

import threading
import time
from collections.abc import Iterator

import pytest

from clusters.runtimes.base import Phase, RuntimeFailure, text_of

from .contract_harness import HARNESSES, REAL_ENGINES, Harness


@pytest.fixture(params=REAL_ENGINES)
def real_engine(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The same, where containers are real processes."""
    yield from HARNESSES[request.param](request).emptied()


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
