"""What a file may say of a deployment, and what is told of what it may not."""

import json

import pytest

from deployments.serializers import DeploymentBody
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.file_entries import KNOWN, read_entries


@pytest.fixture
def entry(tmp_path):
    """Of a file with one entry; it can be sent."""

    def read(fields, defaults="{}"):
        file = tmp_path / "a.yaml"
        file.write_text(f"defaults: {defaults}\ndeployments:\n  - {fields}\n")
        (one,) = read_entries(file)
        return json.loads(json.dumps(one, allow_nan=False))

    return read


@pytest.fixture
def refused(entry):
    """The one line that is told."""

    def read(fields, defaults="{}"):
        with pytest.raises(Failure) as told:
            entry(fields, defaults)
        assert told.value.code == Exit.USAGE
        assert "\n" not in str(told.value)
        return str(told.value)

    return read


def test_numbers_and_dates_are_text_where_text_is_asked_for(entry):
    one = entry(
        "{name: 12345, env: {A: 1, B: 1.10, C: 010, SINCE: 2024-01-01, 8: x}, labels: {since: 2024-01-01 10:00:00},"
        " args: [sleep, 10], image: x}"
    )
    assert one["name"] == "12345"
    assert one["env"] == {"A": "1", "B": "1.10", "C": "010", "SINCE": "2024-01-01", "8": "x"}
    assert one["labels"] == {"since": "2024-01-01 10:00:00"}
    assert one["args"] == ["sleep", "10"]


@pytest.mark.parametrize("value", ["true", "yes", "null", "[1]", "!!binary aGk="])
def test_what_is_no_text_is_asked_for_in_quotes(refused, value):
    told = refused(f"{{name: a, env: {{A: {value}}}}}")
    assert told.endswith("deployments[0] (a) env.A must be text. Put it in quotes.")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_nan_and_infinity_are_no_amounts(refused, value):
    assert "deployments[0] (a) gpu: " in refused(f"{{name: a, gpu: {value}}}")
    assert "Write a number, such as 2 or 0.5." in refused(f"{{name: a, gpu: {value}}}")
    assert "defaults gpu: " in refused("{name: a}", defaults=f"{{gpu: {value}}}")


@pytest.mark.parametrize("value", ["&a [*a]", "!!set {1}", "!!timestamp 2024-01-01", "[!!binary aGk=]"])
def test_what_json_does_not_have_cannot_be_sent(refused, value):
    assert "(a) gpu cannot be sent." in refused(f"{{name: a, gpu: {value}}}")


def test_durations_are_written_as_in_the_options(entry, refused):
    one = entry("{name: a, simulate: 1.5m, time_limit: 2h, expect: 90, grace_period_seconds: 30s}")
    told = {field: one[field] for field in one if field.endswith("_seconds")}
    assert told == {
        "simulated_seconds": 90.0, "time_limit_seconds": 7200, "expected_seconds": 90, "grace_period_seconds": 30,
    }  # fmt: skip
    assert "time_limit: 'soon' is no duration." in refused("{name: a, time_limit: soon}")


def test_an_unknown_word_is_answered_with_the_words_of_files(refused):
    told = refused("{name: a, gpus: 1}")
    assert "deployments[0] (a): gpus is unknown. Do you mean gpu? Known are: after, " in told
    for word in ("gpu", "cluster", "image", "time_limit", "grace_period_seconds"):
        assert f" {word}," in told
    assert "required_gpu" not in told
    assert "Do you mean time_limit?" in refused("{name: a, time-limit: 1}")
    assert "(a): started is unknown." in refused("{name: a, started: 2024-01-01}")
    assert "defaults: typo is unknown." in refused("{name: a}", defaults="{typo: 1}")


def test_one_field_has_one_value(entry, refused):
    assert "(a): required_gpu and gpu are the same field." in refused("{name: a, required_gpu: 1, gpu: 2}")
    assert entry("{name: a, gpu: 2}", defaults="{required_gpu: 1}")["required_gpu"] == 2


def test_all_that_the_api_takes_may_stand_in_a_file():
    assert set(DeploymentBody().fields) <= set(KNOWN)
