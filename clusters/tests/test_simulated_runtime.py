"""What a simulated container lives through, by the engine's own clock."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from clusters.runtimes.base import Phase, text_of
from clusters.runtimes.simulated import SimulatedDriver
from clusters.runtimes.simulated_engine import SimulatedEngine

from .simulator import HOUR, only, spec


class TestLife:
    def test_a_run_ends_exactly_its_seconds_after_it_started(self, driver, engine) -> None:
        driver.start(spec("a", 90.5))
        assert only(driver).phase is Phase.RUNNING
        engine.wind_clock(91)
        ended = only(driver)
        assert (ended.phase, ended.exit_code) == (Phase.ENDED, 0)
        assert ended.ended_at - ended.started_at == timedelta(seconds=90.5)

    def test_a_run_without_an_end_runs_until_it_is_stopped(self, driver, engine) -> None:
        handle = driver.start(spec("a"))
        engine.wind_clock(1000 * HOUR)
        assert only(driver).phase is Phase.RUNNING
        driver.stop(handle, 30)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.ENDED, 143)

    def test_a_slow_start_is_starting_first_and_lasts_no_shorter(self, driver, engine) -> None:
        engine.slow(start_seconds=60)
        driver.start(spec("a", 10))
        assert (only(driver).phase, only(driver).started_at) == (Phase.STARTING, None)
        engine.wind_clock(65)
        assert only(driver).phase is Phase.RUNNING
        engine.wind_clock(10)
        assert only(driver).ended_at - only(driver).started_at == timedelta(seconds=10)

    def test_one_stopped_while_starting_never_started(self, driver, engine) -> None:
        engine.slow(start_seconds=60)
        driver.stop(driver.start(spec("a", 10)), 5)
        engine.wind_clock(120)
        assert (only(driver).phase, only(driver).started_at) == (Phase.ENDED, None)

    def test_a_slow_stop_is_stopping_first(self, driver, engine) -> None:
        engine.slow(stop_seconds=20)
        driver.stop(driver.start(spec("a")), 30)
        assert (only(driver).phase, only(driver).ended_at) == (Phase.STOPPING, None)
        engine.wind_clock(20)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.ENDED, 143)

    def test_a_stop_slower_than_its_grace_is_a_kill(self, driver, engine) -> None:
        engine.slow(stop_seconds=60)
        driver.stop(driver.start(spec("a")), 30)
        engine.wind_clock(29)
        assert only(driver).phase is Phase.STOPPING
        engine.wind_clock(1)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.ENDED, 137)

    def test_a_second_stop_can_only_bring_the_end_nearer(self, driver, engine) -> None:
        engine.slow(stop_seconds=60)
        handle = driver.start(spec("a"))
        driver.stop(handle, 100)
        driver.stop(handle, 200)
        engine.wind_clock(60)
        assert only(driver).exit_code == 143
        driver.remove(handle)
        driver.start(spec("a"))
        driver.stop(handle, 100)
        driver.stop(handle, 10)
        engine.wind_clock(10)
        assert only(driver).exit_code == 137

    def test_a_shutdown_under_way_is_not_made_quicker_by_healing_the_engine(self, driver, engine) -> None:
        engine.slow(stop_seconds=60)
        handle = driver.start(spec("a"))
        driver.stop(handle, 100)
        engine.heal()
        driver.stop(handle, 100)
        assert only(driver).phase is Phase.STOPPING
        engine.wind_clock(60)
        assert only(driver).exit_code == 143

    def test_a_run_that_finishes_while_it_is_stopping_keeps_its_own_exit_code(self, driver, engine) -> None:
        engine.slow(stop_seconds=60)
        driver.stop(driver.start(spec("a", 20)), 90)
        engine.wind_clock(20)
        assert (only(driver).phase, only(driver).exit_code) == (Phase.ENDED, 0)

    def test_a_stop_after_the_end_leaves_the_end_alone(self, driver, engine) -> None:
        handle = driver.start(spec("a", 20))
        engine.wind_clock(30)
        before = only(driver), text_of(driver.logs(handle, 100))
        driver.stop(handle, 0)
        engine.wind_clock(1)
        assert (only(driver), text_of(driver.logs(handle, 100))) == before

    def test_ended_ones_that_nobody_removed_are_forgotten_after_a_day(self, driver, engine) -> None:
        driver.start_many([spec("old", 10), spec("for-ever")])
        engine.wind_clock(24 * HOUR)
        assert len(driver.observe()) == 2
        engine.wind_clock(11)
        assert only(driver).name == "for-ever"
        assert [seen.name for seen in engine.containers()] == ["for-ever"]

    def test_a_container_outlives_the_process_that_started_it(
        self, driver, engine, simulator_url, engine_name
    ) -> None:
        program = (
            "import os, signal; from redis import Redis;"
            "from clusters.runtimes.base import ContainerSpec;"
            "from clusters.runtimes.simulated import SimulatedDriver;"
            f"SimulatedDriver(Redis.from_url({simulator_url!r}), {engine_name!r}, {{}})"
            ".start(ContainerSpec('a', 'i', 1, 1, 1, simulated_seconds=50));"
            "os.kill(os.getpid(), signal.SIGKILL)"
        )
        root = Path(__file__).resolve().parents[2]
        killed = subprocess.run([sys.executable, "-c", program], cwd=root, env=dict(os.environ), check=False)
        assert killed.returncode == -9
        assert (only(driver).name, only(driver).phase) == ("a", Phase.RUNNING)
        engine.wind_clock(50)
        assert only(driver).exit_code == 0

    def test_engines_do_not_see_each_other(self, driver, simulator_redis, engine_name) -> None:
        driver.start(spec("a"))
        other = SimulatedDriver(simulator_redis, engine_name + "-other", {})
        other.start(spec("b"))
        assert [only(driver).name, only(other).name] == ["a", "b"]

    def test_a_client_that_decodes_answers_serves_as_well(self, driver, simulator_url, engine_name) -> None:
        with Redis.from_url(simulator_url, decode_responses=True) as decoding:
            other = SimulatedDriver(decoding, engine_name, {})
            handle = other.start(spec("a", HOUR))
            assert other.observe() == driver.observe()
            assert text_of(other.logs(handle, 5)) == text_of(driver.logs(handle, 5))
            assert SimulatedEngine(decoding, engine_name).containers() == driver.observe()


class TestStarts:
    def test_a_repeated_start_is_counted_once_and_one_after_removal_again(self, driver, engine) -> None:
        handle = driver.start(spec("a"))
        driver.start(spec("a"))
        assert (engine.starts("a"), engine.starts("b")) == (1, 0)
        driver.remove(handle)
        driver.start(spec("a"))
        assert engine.starts("a") == 2

    def test_starts_are_still_known_on_the_next_day_and_not_for_ever(
        self, driver, engine, simulator_redis, engine_name
    ) -> None:
        driver.start(spec("a"))
        (counts,) = simulator_redis.scan_iter(f"sim:{engine_name}:starts:*")
        assert 24 * HOUR < simulator_redis.ttl(counts) <= 48 * HOUR
        engine.wind_clock(24 * HOUR)
        driver.remove(only(driver).handle)
        driver.start(spec("a"))
        assert engine.starts("a") == 2

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
    def test_an_impossible_duration_fails_for_that_one_alone(self, driver, seconds) -> None:
        answers = driver.start_many([spec("a"), spec("b", seconds), spec("c")])
        assert answers["b"].permanent
        assert sorted(seen.name for seen in driver.observe()) == ["a", "c"]

    def test_more_than_one_part_of_a_bulk_call_arrives_whole(self, driver, engine) -> None:
        names = [f"run-{number}" for number in range(1201)]
        handles = driver.start_many([spec(name) for name in names])
        assert engine.running() == tuple(sorted(names))
        assert driver.stop_many(dict.fromkeys(handles.values(), 0)) == {}
        assert {seen.exit_code for seen in driver.observe()} == {143}
        driver.remove_many(handles.values())
        assert driver.observe() == ()

    def test_the_environment_of_a_container_is_not_kept(self, driver, simulator_redis, engine_name) -> None:
        driver.start(spec("a", env={"TOKEN": "a-secret"}))
        kept = simulator_redis.hgetall(f"sim:{engine_name}:specs")
        assert kept
        assert b"a-secret" not in b"".join(kept.values())


class TestLogs:
    def test_lines_tell_the_story_so_far(self, driver, engine) -> None:
        handle = driver.start(spec("a", 100, command=("python", "train.py")))
        engine.wind_clock(60)
        story = text_of(driver.logs(handle, 100))
        assert "python train.py started" in story
        assert "progress 50 %" in story
        assert "progress 75 %" not in story
        engine.wind_clock(60)
        assert "ended with exit code 0" in text_of(driver.logs(handle, 1))

    def test_a_stopped_one_tells_of_the_signal(self, driver) -> None:
        handle = driver.start(spec("a", 100))
        driver.stop(handle, 10)
        assert [line.split(" ", 1)[1] for line in text_of(driver.logs(handle, 2)).splitlines()] == [
            "SIGTERM received",
            "ended with exit code 143",
        ]

    def test_who_follows_gets_the_last_lines_of_one_that_is_removed_as_soon_as_it_has_ended(
        self, driver, engine
    ) -> None:
        handle = driver.start(spec("a", 100))
        following = iter(driver.logs(handle, 100, follow=True))
        first = next(following)
        assert b"created" in first
        engine.wind_clock(100)
        driver.remove(handle)
        assert "progress 100 %" in (rest := b"".join(following).decode())
        assert rest.endswith("ended with exit code 0\n")
