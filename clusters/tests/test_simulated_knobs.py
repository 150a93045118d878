"""The simulated engine slow, lying, losing and out of reach."""

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from clusters.runtimes.base import Phase, RuntimeFailure, text_of
from clusters.runtimes.simulated import SimulatedDriver

from .simulator import only, spec


class CountingRedis(Redis):
    """A client that remembers which commands it sent."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.commands: list[str] = []

    def execute_command(self, *args, **options):
        self.commands.append(args[0])
        return super().execute_command(*args, **options)


class TestKnobs:
    def test_observing_is_one_call_of_redis(self, driver, simulator_url, engine_name) -> None:
        driver.start_many([spec(f"run-{number}") for number in range(500)])
        driver.observe()
        with CountingRedis.from_url(simulator_url) as counting:
            assert len(SimulatedDriver(counting, engine_name, {}).observe()) == 500
            assert counting.commands == ["EVALSHA"]

    def test_a_lost_container_is_gone_and_the_others_stay(self, driver, engine) -> None:
        driver.start_many([spec("a"), spec("b")])
        engine.lose("a")
        assert only(driver).name == "b"
        with pytest.raises(KeyError):
            engine.lose("a")
        engine.lose_all()
        assert driver.observe() == ()

    def test_a_lie_tells_another_end_than_the_true_one(self, driver, engine) -> None:
        driver.start(spec("a"))
        engine.lie("a", exit_code=3)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.ENDED, 3)
        assert only(driver).ended_at is not None
        assert engine.running() == ("a",)
        engine.heal()
        assert only(driver).phase is Phase.RUNNING

    def test_a_lie_can_hide_an_end(self, driver, engine) -> None:
        driver.start(spec("a", 5))
        engine.lie("a", ended=False)
        engine.wind_clock(6)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.RUNNING, None)
        assert engine.containers()[0].phase is Phase.ENDED

    def test_nobody_can_lie_about_what_is_not_there(self, engine) -> None:
        with pytest.raises(KeyError):
            engine.lie("a")

    def test_an_unreachable_engine_fails_every_call_and_runs_on(self, driver, engine) -> None:
        handle = driver.start(spec("a", 50))
        engine.unreachable(60)
        for call in (
            driver.check,
            driver.observe,
            lambda: driver.start(spec("b")),
            lambda: driver.stop(handle, 0),
            lambda: driver.logs(handle, 5),
            lambda: driver.remove(handle),
        ):
            with pytest.raises(RuntimeFailure, match="cannot be reached") as caught:
                call()
            assert not caught.value.permanent
        assert [seen.name for seen in engine.containers()] == ["a"]
        engine.wind_clock(60)
        assert only(driver).exit_code == 0

    def test_an_unreachable_engine_fails_each_item_of_a_bulk_call(self, driver, engine) -> None:
        handle = driver.start(spec("a"))
        engine.unreachable(60)
        assert list(driver.start_many([spec("b"), spec("c")])) == ["b", "c"]
        assert not any(isinstance(it, str) for it in driver.start_many([spec("b")]).values())
        assert list(driver.stop_many({handle: 1})) == [handle]
        assert list(driver.remove_many([handle])) == [handle]
        engine.heal()
        assert only(driver).phase is Phase.RUNNING

    def test_an_orphan_is_seen_and_can_be_stopped_and_removed(self, driver, engine) -> None:
        engine.inject("stranger")
        orphan = only(driver)
        assert (orphan.name, orphan.phase, engine.starts("stranger")) == ("stranger", Phase.RUNNING, 0)
        assert text_of(driver.logs(orphan.handle, 5))
        driver.stop(orphan.handle, 0)
        assert only(driver).phase is Phase.ENDED
        driver.remove(orphan.handle)
        assert driver.observe() == ()

    def test_held_sums_what_has_not_ended(self, driver, engine) -> None:
        assert engine.held() == (0, 0, 0)
        driver.start_many([spec("a"), spec("b", 10), spec("c")])
        assert engine.held() == (6000, 3072, 1500)
        engine.wind_clock(10)
        assert engine.held() == (4000, 2048, 1000)

    def test_a_forgotten_engine_leaves_nothing_in_redis(
        self, driver, engine, simulator_redis, engine_name
    ) -> None:
        driver.start(spec("a"))
        engine.slow(start_seconds=1)
        engine.lie("a")
        engine.forget()
        assert list(simulator_redis.scan_iter(f"sim:{engine_name}*")) == []

    def test_a_redis_that_is_away_is_a_passing_failure(self, tmp_path) -> None:
        nobody = Redis(unix_socket_path=str(tmp_path / "none"), retry=Retry(NoBackoff(), 0))
        driver = SimulatedDriver(nobody, "away", {})
        with pytest.raises(RuntimeFailure, match="Redis under the simulated engine away") as caught:
            driver.observe()
        assert not caught.value.permanent
