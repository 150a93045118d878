"""The choice of the victims that lose the least work: the rule in small cases, the optimum, and near it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings
from ortools.sat.python import cp_model

from scheduling.core.every_set import cheapest_of_every_set
from scheduling.core.least_lost import choose
from scheduling.tests.choices import (
    best_price,
    candidate,
    covers,
    gpu_jobs,
    improvement,
    price,
    random_lack,
)

LOW, MEDIUM, HIGH = 1, 2, 3


def ids(lack, candidates, most=None):
    chosen = choose(lack=lack if isinstance(lack, tuple) else (lack,), candidates=candidates, most=most)
    return None if chosen is None else [one.id for one in chosen]


def test_nobody_goes_where_nothing_lacks():
    assert ids((0, -3), [candidate(1, (4, 4), 0)]) == []


def test_nobody_goes_where_even_all_would_not_make_room():
    assert ids(9, [candidate(1, 4, 0), candidate(2, 4, 0)]) is None


def test_the_one_that_loses_least_goes():
    assert ids(4, [candidate(1, 4, 30), candidate(2, 4, 20), candidate(3, 8, 25)]) == [2]


def test_two_that_lose_less_together_go_before_one_that_loses_more():
    assert ids(4, [candidate(1, 4, 30), candidate(2, 2, 10), candidate(3, 2, 10)]) == [2, 3]


def test_of_equal_work_the_fewest_go():
    assert ids(4, [candidate(1, 2, 5), candidate(2, 2, 5), candidate(3, 4, 10)]) == [3]


def test_a_higher_priority_stays_while_the_lower_ones_suffice_however_much_they_lose():
    assert ids(4, [candidate(1, 4, 0, MEDIUM), candidate(2, 3, 900), candidate(3, 3, 900)]) == [2, 3]


def test_of_a_higher_priority_the_least_work_goes_and_the_lower_ones_fill_the_rest():
    rows = [candidate(1, 4, 50), candidate(2, 4, 60), candidate(3, 8, 9, MEDIUM), candidate(4, 2, 7, MEDIUM)]
    assert ids(10, rows) == [1, 2, 4]
    assert ids(12, rows) == [1, 3]


def test_one_of_a_higher_priority_that_loses_nothing_does_not_go_in_place_of_lower_ones():
    rows = [candidate(1, 2, 50), candidate(2, 4, 0, MEDIUM), candidate(3, 4, 0, MEDIUM)]
    assert ids(6, rows) == [1, 2]


def test_the_victims_are_told_lowest_priority_first_then_least_lost_then_lowest_id():
    rows = [candidate(4, 1, 5), candidate(3, 1, 5), candidate(2, 1, 1, MEDIUM), candidate(1, 1, 9)]
    assert ids(4, rows) == [3, 4, 1, 2]


@pytest.mark.parametrize(("most", "victims"), [(3, [3, 4, 5]), (2, [3, 2]), (1, [1]), (0, None)])
def test_no_more_go_than_may(most, victims):
    rows = [candidate(1, 4, 90), candidate(2, 3, 40), *(candidate(id_, 1, id_) for id_ in (3, 5))]
    rows.append(candidate(4, 2, 4))
    assert ids(4, rows, most=most) == victims


def test_a_higher_priority_does_not_go_to_keep_within_the_limit():
    rows = [candidate(1, 2, 9), candidate(2, 2, 9), candidate(3, 4, 0, MEDIUM)]
    assert ids(4, rows, most=2) == [1, 2]
    assert ids(4, rows, most=1) is None


def test_the_order_of_the_candidates_is_irrelevant():
    dice = Random(1)
    rows = gpu_jobs(dice, count=400, width=3, priorities=2)
    lack = (500_000, 3_000_000, 20_000_000)
    chosen = ids(lack, rows)
    dice.shuffle(rows)
    assert ids(lack, rows) == chosen


def test_the_choice_agrees_with_brute_force():
    for seed in range(10 * settings.default.max_examples):
        dice = Random(seed)
        lack, candidates = random_lack(dice, most=10)
        most = dice.choice((None, None, dice.randint(0, 4)))
        chosen = choose(lack=lack, candidates=candidates, most=most)
        found = None if chosen is None else price(chosen)
        assert found == (best_price(lack, candidates, most) if max(lack) > 0 else price(())), f"seed {seed}"


def test_looking_at_every_set_finds_the_best_as_well():
    for seed in range(3 * settings.default.max_examples):
        dice = Random(seed)
        lack, candidates = random_lack(dice, most=8)
        if max(lack) <= 0:
            continue
        missing = [max(0, one) for one in lack]
        columns = [[one.lost for one in candidates], [1] * len(candidates)]
        found = cheapest_of_every_set(
            lack=missing, needs=[one.need for one in candidates], costs=columns, most=len(candidates)
        )
        alike = [replace(one, priority=LOW, rank=LOW) for one in candidates]
        chosen = None if found is None else price([alike[position] for position in found])
        assert chosen == best_price(lack, alike), f"seed {seed}"


def test_twenty_that_lose_work_in_proportion_to_what_they_hold_are_decided_as_well():
    dice = Random(3)
    needs = [tuple(dice.randint(1000, 9999) for _ in range(3)) for _ in range(20)]
    rows = [candidate(id_, need, need[0]) for id_, need in enumerate(needs)]
    lack = part_of_all(rows, 0.5)
    lost = sum(one.lost for one in choose(lack=lack, candidates=rows))
    assert lost * 1000 == pytest.approx(
        least_possible([replace(one, lost=one.lost * 10**6) for one in rows], lack)
    )


def part_of_all(rows, share):
    return tuple(int(sum(column) * share) for column in zip(*(one.need for one in rows), strict=True))


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.6, 0.95])
def test_of_hundreds_nobody_could_be_given_back_or_exchanged_for_a_cheaper_one(width, share):
    for seed in range(3):
        rows = gpu_jobs(Random(seed), count=250, width=width, priorities=2)
        lack = part_of_all(rows, share)
        chosen = choose(lack=lack, candidates=rows)
        assert covers(chosen, lack)
        assert improvement(chosen, rows, lack) is None


def least_possible(rows, lack) -> float:
    """The proved lower bound of the work lost; all of one priority."""
    model = cp_model.CpModel()
    goes = [model.new_bool_var(str(one.id)) for one in rows]
    for axis, missing in enumerate(lack):
        model.add(sum(one.need[axis] * out for one, out in zip(rows, goes, strict=True)) >= missing)
    model.minimize(sum(one.lost // 1000 * out for one, out in zip(rows, goes, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = 2
    solver.solve(model)
    return solver.best_objective_bound


@pytest.mark.parametrize("width", [1, 3])
def test_of_a_hundred_the_work_lost_is_within_two_per_cent_of_the_proved_optimum(width):
    ratios = []
    for seed in range(6):
        rows = gpu_jobs(Random(seed), count=100, width=width)
        lack = part_of_all(rows, (0.03, 0.3, 0.8)[seed % 3])
        lost = sum(one.lost // 1000 for one in choose(lack=lack, candidates=rows))
        ratios.append(lost / least_possible(rows, lack))
    assert 1 <= sum(ratios) / len(ratios) <= 1.02


@pytest.mark.parametrize("most", [150, 120])
def test_of_hundreds_no_more_go_than_may(most):
    rows = gpu_jobs(Random(4), count=250)
    lack = (400_000,)
    unlimited = choose(lack=lack, candidates=rows)
    chosen = choose(lack=lack, candidates=rows, most=most)
    assert covers(chosen, lack)
    assert len(chosen) <= most
    assert len(unlimited) > most
    assert improvement(chosen, rows, lack) is None
    assert choose(lack=lack, candidates=rows, most=20) is None
