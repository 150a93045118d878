"""Policies as an operator writes them."""

from dataclasses import fields

import pytest

from scheduling.core.policy import BALANCED, TWO_PHASE, Policy, VictimOrder
from scheduling.simulation.policies import READERS, SHARES, BadPolicy, parse, parse_settings


def test_a_preset_is_named():
    assert parse("two_phase") == TWO_PHASE


def test_settings_of_its_own_change_a_preset_and_show_in_its_name():
    policy = parse("two_phase, victim_order=youngest,minimum_run_seconds=600")
    assert (policy.victim_order, policy.minimum_run_seconds) == (VictimOrder.YOUNGEST, 600)
    assert policy.name == "two_phase, victim_order=youngest, minimum_run_seconds=600"


def test_settings_of_all_yield_to_its_own():
    policy = parse("balanced,organization_shares=yes", settings=SHARES)
    assert (policy.organization_shares, policy.user_shares) == (True, False)
    assert policy.reservation_after_seconds == BALANCED.reservation_after_seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("may_preempt=3:1+2/2:1", {3: frozenset({1, 2}), 2: frozenset({1})}),
        ("may_preempt=none", {}),
        ("most_evictions=3", 3),
        ("most_evictions=none", None),
        ("evictions_per_minute=0", 0),
        ("ageing_seconds=3600", 3600),
        ("shortest_first=on", True),
        ("reservation_after_seconds=off", None),
    ],
)
def test_a_setting_is_read_by_its_kind(text, value):
    assert parse_settings([text]) == {text.split("=")[0]: value}


def test_every_setting_of_a_policy_can_be_given():
    assert set(READERS) == {field.name for field in fields(Policy)} - {"name"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("greedy", "no policy 'greedy'. There are: two_phase"),
        ("two_phase,speed=9", "no setting 'speed'. There are: may_preempt"),
        ("two_phase,fast", "no SETTING=VALUE"),
        ("two_phase,minimum_run_seconds=soon", "minimum_run_seconds=soon: write a whole number"),
        ("two_phase,ageing_seconds=0", "above 0"),
        ("two_phase,shortest_first=perhaps", "true or false"),
        ("two_phase,victim_order=tallest", "one of oldest, youngest, least_lost_work"),
        ("two_phase,may_preempt=HIGH:LOW", "who:whom"),
    ],
)
def test_what_is_wrong_is_said_with_what_can_be_written(text, told):
    with pytest.raises(BadPolicy, match=told):
        parse(text)
