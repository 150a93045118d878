"""The figures and the pictures of a replay, against little ones worked out by hand."""

from xml.etree import ElementTree

import pytest

from scheduling.core.policy import TWO_PHASE
from scheduling.simulation import chart, tables
from scheduling.simulation.axes import rounded, ticks
from scheduling.simulation.measures import jain, measure, percentile
from scheduling.simulation.outcome import Outcome, as_json, play
from scheduling.simulation.replay import replay
from scheduling.simulation.series import series
from scheduling.simulation.workload import SECOND, Workload
from scheduling.tests.simulated import HIGH, job, workload

HOUR = 3600


@pytest.fixture
def preempted():
    """A LOW one of 2 GPUs for 10 h, pushed aside at 4 h for 1 h and begun again; the last submit is at 8 h."""
    return workload(
        2,
        job(0, 10 * HOUR, gpus=2, organization=1),
        job(4 * HOUR, HOUR, gpus=1, priority=HIGH, organization=2),
        job(8 * HOUR, HOUR, gpus=1, priority=HIGH, organization=2),
    )


@pytest.fixture
def figures(preempted):
    # 0: 0–4, 5–8, 9–19; 1: 4–5; 2: 8–9.
    return measure(preempted, replay(preempted, TWO_PHASE, window=0))


@pytest.mark.parametrize("highest", [0.0004, 0.013, 0.9, 1, 7, 38, 640, 8000, 1e6])
def test_no_two_lines_of_an_axis_read_alike(highest):
    read = [rounded(value) for value in ticks(highest)]
    assert len(set(read)) == len(read)


def test_goodput_counts_what_completed_runs_did_until_the_last_submit(figures):
    assert figures.goodput == pytest.approx(100 * 1 / (2 * 8))


def test_waste_is_what_evicted_runs_did(figures):
    assert figures.waste == pytest.approx(2 * 4 + 2 * 3)
    assert figures.preemptions == 2


def test_a_checkpoint_turns_waste_into_goodput():
    made = workload(2, job(0, 10 * HOUR, gpus=2, checkpoint=3 * HOUR), job(4 * HOUR, HOUR, priority=HIGH))
    figures = measure(made, replay(made, TWO_PHASE, window=0))
    assert figures.waste == pytest.approx(2 * 1)
    assert figures.goodput == pytest.approx(100 * 3 / 4)


def test_a_wait_holds_the_work_that_was_done_again(figures):
    assert figures.by_priority[1].mean == pytest.approx(19 - 10)
    assert figures.by_priority[3].longest == 0
    assert figures.waits.mean == pytest.approx(9 / 3)
    assert (figures.waits.jobs, figures.waits.p50, figures.waits.longest) == (3, 0, pytest.approx(9))


def test_fairness_is_over_organizations(figures):
    assert figures.jain == pytest.approx(jain([10 / 19, 1]))


def test_jains_index_is_one_where_all_are_equal_and_a_share_where_one_has_all():
    assert jain([3, 3, 3]) == pytest.approx(1)
    assert jain([1, 0, 0, 0]) == pytest.approx(1 / 4)
    assert jain([]) == 1


def test_a_percentile_is_one_of_the_values():
    assert [percentile([1, 2, 3, 4], share) for share in (0.25, 0.5, 0.51, 0.95, 1)] == [1, 2, 3, 4, 4]
    assert percentile([], 0.5) == 0


def test_use_over_time_adds_up_to_all_that_was_held(preempted):
    replayed = replay(preempted, TWO_PHASE, window=0)
    shown = series(preempted, replayed, spans=7)
    hours = shown.span / SECOND / HOUR
    assert sum(shown.lost) * hours == pytest.approx(14)
    assert sum(shown.useful) * hours == pytest.approx(20 + 1 + 1)
    assert sum(shown.waiting) * hours == pytest.approx(2)
    assert max(shown.useful) <= 2 + 1e-9


@pytest.mark.parametrize("highest", [0.3, 1, 7, 64, 100, 1024, 99_999])
def test_an_axis_reaches_its_highest_value_in_a_few_round_steps(highest):
    marks = ticks(highest)
    assert marks[0] == 0
    assert marks[-2] < highest <= marks[-1]
    assert 3 <= len(marks) <= 13


@pytest.fixture
def outcome(preempted) -> Outcome:
    return play(preempted, TWO_PHASE, window_seconds=0, grace_seconds=0)


@pytest.mark.parametrize("draw", [chart.use_over_time, chart.waiting_over_time])
def test_a_picture_is_well_formed_and_says_its_units(preempted, outcome, draw):
    drawn = draw(preempted, [outcome, outcome])
    words = [element.text or "" for element in ElementTree.fromstring(drawn).iter() if element.text]
    assert words.count("two_phase") == 2
    assert "days since the first submit" in words
    assert "GPUs" in words or "jobs" in words


def test_a_cluster_without_gpus_is_measured_in_cores():
    cores = Workload.of("no GPUs", (0, 4000, 1024), [job(0, HOUR, gpus=0), job(HOUR, HOUR, gpus=0)])
    assert (cores.work_unit, cores.work_resource) == ("core", 1)
    headers, _ = tables.by_policy(cores, [play(cores, TWO_PHASE, window_seconds=0, grace_seconds=0)])
    assert "wasted\ncore min" in headers


def test_the_json_names_units_and_settings(preempted, outcome):
    told = as_json(preempted, [outcome], window_seconds=0, grace_seconds=0)
    (policy,) = told["policies"]
    assert policy["wasted_gpu_hours"] == pytest.approx(14)
    assert policy["wait_hours_by_priority"]["LOW"]["mean"] == pytest.approx(9)
    assert policy["settings"]["may_preempt"] == {"3": [1, 2]}
    assert told["workload"]["jobs"] == 3
