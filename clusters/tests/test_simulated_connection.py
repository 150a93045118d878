"""What a simulated cluster's settings do, and how wrong ones are refused."""

import pytest

from clusters.runtimes.base import Phase, RuntimeFailure
from clusters.runtimes.simulated import SimulatedDriver, validate_connection

from .simulator import spec


class TestConnection:
    def test_every_setting_takes_effect(self, simulator_redis, engine_name, engine) -> None:
        connection = {
            "start_seconds": 5,
            "stop_seconds": 7.5,
            "exit_code": 4,
            "unreachable": False,
            "capacity": {"cpu": 1.5, "ram": 2, "gpu": 0.25},
        }
        assert validate_connection(connection) == {}
        driver = SimulatedDriver(simulator_redis, engine_name, connection)
        assert driver.check().capacity == (1500, 2048, 250)
        driver.start_many([spec("a", 10), spec("b")])
        assert {seen.phase for seen in driver.observe()} == {Phase.STARTING}
        engine.wind_clock(20)
        ends = {seen.name: seen for seen in driver.observe()}
        assert (ends["a"].exit_code, ends["b"].phase) == (4, Phase.RUNNING)
        driver.stop(ends["b"].handle, 60)
        engine.wind_clock(7)
        assert {seen.name: seen.phase for seen in driver.observe()}["b"] is Phase.STOPPING
        engine.wind_clock(1)
        assert {seen.name: seen.exit_code for seen in driver.observe()}["b"] == 143

    def test_an_unreachable_connection_fails(self, simulator_redis, engine_name) -> None:
        with pytest.raises(RuntimeFailure) as caught:
            SimulatedDriver(simulator_redis, engine_name, {"unreachable": True}).check()
        assert not caught.value.permanent

    def test_a_wrong_connection_is_a_permanent_failure_that_names_the_field(self, simulator_redis) -> None:
        with pytest.raises(RuntimeFailure, match="stop_seconds") as caught:
            SimulatedDriver(simulator_redis, "wrong", {"stop_seconds": -1})
        assert caught.value.permanent

    @pytest.mark.parametrize(
        ("connection", "fields"),
        [
            ({}, []),
            ({"capacity": None, "start_seconds": 3600, "exit_code": 255}, []),
            ({"speed": 1}, ["speed"]),
            ({"start_seconds": 3601, "stop_seconds": -0.1}, ["start_seconds", "stop_seconds"]),
            ({"start_seconds": "5"}, ["start_seconds"]),
            ({"start_seconds": True}, ["start_seconds"]),
            ({"start_seconds": None}, ["start_seconds"]),
            (
                {"start_seconds": float("nan"), "stop_seconds": float("inf")},
                ["start_seconds", "stop_seconds"],
            ),
            ({"start_seconds": 10**400}, ["start_seconds"]),
            ({"exit_code": 256}, ["exit_code"]),
            ({"exit_code": 1.0}, ["exit_code"]),
            ({"exit_code": False}, ["exit_code"]),
            ({"unreachable": 1}, ["unreachable"]),
            ({"capacity": 5}, ["capacity"]),
            ({"capacity": {"cpu": 1}}, ["capacity"]),
            ({"capacity": {"cpu": 1, "ram": 1, "gpu": 1, "tpu": 1}}, ["capacity"]),
            ({"capacity": {"cpu": -1, "ram": "1", "gpu": 1}}, ["capacity.cpu", "capacity.ram"]),
            ([], ["connection"]),
            ("redis://", ["connection"]),
        ],
    )
    def test_each_wrong_field_is_named(self, connection: object, fields: list[str]) -> None:
        assert sorted(validate_connection(connection)) == fields
