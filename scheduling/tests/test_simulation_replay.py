"""Little workloads replayed, against what one works out by hand; and a real one, against what no replay may break."""

from dataclasses import replace
from itertools import pairwise

import pytest

from scheduling.core.policy import LEAST_WASTE, PRESETS, TWO_PHASE, VictimOrder
from scheduling.simulation import traces
from scheduling.simulation.replay import replay
from scheduling.simulation.workload import SECOND
from scheduling.tests.simulated import HIGH, MEDIUM, PHILLY, attempts, job, played, workload


def test_who_finds_no_room_starts_in_the_instant_when_there_is_some():
    assert played(1, job(0, 10), job(1, 5)) == {0: [(0, 10, 10)], 1: [(10, 15, 5)]}


def test_a_victim_is_gone_at_once_and_its_preemptor_starts_in_that_instant():
    runs = played(1, job(0, 100), job(10, 5, priority=HIGH))
    assert runs == {0: [(0, 10, 0), (15, 115, 100)], 1: [(10, 15, 5)]}


def test_a_victim_keeps_its_place_in_the_queue():
    runs = played(1, job(0, 100), job(5, 50), job(10, 5, priority=HIGH))
    assert runs[0][1][0] == 15
    assert runs[1] == [(115, 165, 50)]


def test_what_a_checkpoint_saved_need_not_be_done_again():
    runs = played(1, job(0, 100, checkpoint=4), job(10, 5, priority=HIGH))
    assert runs[0] == [(0, 10, 8), (15, 107, 92)]


def test_checkpoints_count_from_the_start_of_each_run():
    runs = played(1, job(0, 100, checkpoint=4), job(10, 5, priority=HIGH), job(18, 1, priority=HIGH))
    assert runs[0] == [(0, 10, 8), (15, 18, 0), (19, 111, 92)]


def test_with_grace_the_victim_holds_its_room_and_nobody_takes_the_seat():
    runs = played(1, job(0, 100), job(5, 1, priority=MEDIUM), job(10, 5, priority=HIGH), grace=3)
    assert runs == {0: [(0, 13, 0), (19, 119, 100)], 1: [(18, 19, 1)], 2: [(13, 18, 5)]}


def test_an_end_within_its_grace_belongs_to_the_stop():
    runs = played(1, job(0, 12), job(10, 5, priority=HIGH), grace=3)
    assert runs[0] == [(0, 13, 0), (18, 30, 12)]


def test_what_happens_within_a_window_is_planned_together_at_its_end():
    runs = played(1, job(0, 100), job(30, 5, priority=HIGH), window=60)
    assert runs[1] == [(60, 65, 5)]
    # Its end at 65 opens a window of its own.
    assert runs[0] == [(125, 225, 100)]


def test_nothing_is_planned_while_nothing_happens():
    # Two starts that leave nobody waiting; the ends find an empty queue.
    assert replay(workload(2, job(0, 1000), job(500, 1000)), TWO_PHASE, window=0).cycles == 2


@pytest.mark.parametrize(("order", "victim"), [(VictimOrder.OLDEST, 0), (VictimOrder.YOUNGEST, 1)])
def test_the_policy_chooses_the_victim(order, victim):
    policy = replace(TWO_PHASE, victim_order=order)
    runs = played(2, job(0, 100), job(5, 100), job(10, 5, priority=HIGH), policy=policy)
    assert {id_ for id_, some in runs.items() if len(some) > 1} == {victim}


def test_least_waste_spares_what_a_checkpoint_does_not_cover():
    runs = played(2, job(0, 100, checkpoint=10), job(5, 100), job(11, 5, priority=HIGH), policy=LEAST_WASTE)
    assert runs[0] == [(0, 11, 10), (16, 106, 90)]
    assert runs[1] == [(5, 105, 100)]


def test_time_alone_can_end_the_protection_of_a_run():
    policy = replace(TWO_PHASE, minimum_run_seconds=60)
    runs = played(1, job(0, 1000), job(10, 5, priority=HIGH), policy=policy)
    assert runs[1] == [(60, 65, 5)]


@pytest.mark.parametrize("preset", [TWO_PHASE, LEAST_WASTE], ids=lambda policy: policy.name)
def test_evictions_a_minute_are_counted_over_the_last_minute(preset):
    policy = replace(preset, evictions_per_minute=1)
    high = [job(10, 500, priority=HIGH), job(10, 500, priority=HIGH)]
    runs = played(2, job(0, 1000), job(1, 1000), *high, policy=policy)
    assert sorted(runs[id_][0][0] for id_ in (2, 3)) == [10, 70]


@pytest.mark.parametrize("preset", [TWO_PHASE, LEAST_WASTE], ids=lambda policy: policy.name)
def test_who_was_preempted_often_enough_is_no_victim_any_more(preset):
    policy = replace(preset, most_evictions=1)
    runs = played(1, job(0, 100), job(10, 5, priority=HIGH), job(20, 5, priority=HIGH), policy=policy)
    assert runs == {0: [(0, 10, 0), (15, 115, 100)], 1: [(10, 15, 5)], 2: [(115, 120, 5)]}


def test_what_saved_work_is_not_expected_again():
    # Of 100 expected, 80 are saved: it is the shorter one when both wait for the HIGH one's end.
    policy = replace(TWO_PHASE, shortest_first=True)
    runs = played(
        1,
        job(0, 100, expected=100, checkpoint=10),
        job(50, 50, expected=50),
        job(80, 5, priority=HIGH),
        policy=policy,
    )
    assert runs[0][1][0] == 85
    assert runs[1][0][0] == 105


def test_what_is_larger_than_the_cluster_is_left_out_and_told():
    made = workload(1, job(0, 5), job(1, 5, gpus=2))
    assert len(made.jobs) == 1
    assert made.left_out == {"ask for more than the whole cluster has": 1}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("hours", [None, 1])
def test_a_real_trace_is_done_whole_and_never_over_capacity(name, hours):
    made = traces.sized(traces.read(PHILLY), gpus=256, cores=None, ram_gb=None)
    checkpoint = hours and hours * 3600 * SECOND
    made = replace(made, jobs=tuple(replace(one, checkpoint=checkpoint) for one in made.jobs))
    told = []
    replayed = replay(made, PRESETS[name], progress=told.append)
    assert replayed == replay(made, PRESETS[name])
    assert replayed.unfinished == 0
    assert told == sorted(told)
    assert told[-1] == 1
    assert any(not stint.completed for stint in replayed.stints)
    _done_whole(made, replayed)
    _within_capacity(made, replayed)


def _done_whole(made, replayed):
    for id_, runs in attempts(replayed).items():
        one = made.jobs[id_]
        assert sum(kept for _, _, kept in runs) * SECOND == pytest.approx(one.duration)
        assert runs == sorted(runs)
        assert runs[0][0] * SECOND >= one.submit
        assert all(ended <= began for (_, ended, _), (began, _, _) in pairwise(runs))


def _within_capacity(made, replayed):
    changes = []
    for stint in replayed.stints:
        need = made.jobs[stint.job].need
        changes += [(stint.began, 1, need), (stint.ended, -1, need)]
    held = [0, 0, 0]
    for _, sign, need in sorted(changes, key=lambda change: change[:2]):
        held = [have + sign * more for have, more in zip(held, need, strict=True)]
        assert all(have <= total for have, total in zip(held, made.total, strict=True))
    assert held == [0, 0, 0]
