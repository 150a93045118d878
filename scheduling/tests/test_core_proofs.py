"""The proofs of certificates in small; `python -m scheduling.tests.prove_certificates` runs them at scale."""

from random import Random

import pytest
from hypothesis import settings

from scheduling.tests.certificate_states import POLICIES
from scheduling.tests.eviction_loops import STEP, Settings, World, search
from scheduling.tests.prove_certificates import prove_choices, prove_decisions, prove_optimum

SCALE = settings.default.max_examples  # 100, or thousands where the profile says so


def test_every_certificate_is_accepted_and_every_mutant_refused_or_by_brute_force_as_good():
    found = prove_decisions((0, 15 * SCALE), mutants=5 * SCALE)
    assert found["certificates"] > 5 * SCALE
    assert found["mutants"] > 4 * SCALE
    assert found["refused"] > 3 * SCALE
    assert found["equally valid"] < found["mutants"] // 20
    assert min(found[f"by {order}"] for order in ("oldest", "youngest", "least_lost_work")) > SCALE


def test_the_least_lost_choice_is_the_best_of_all_sets():
    found = prove_choices((0, 5 * SCALE), most=10)
    assert found["choices"] > 2 * found["impossible"] > 0


def test_the_least_waste_is_the_optimum_that_cp_sat_proves_and_the_classic_order_loses_more():
    found = prove_optimum((0, 40))
    assert found["optimal"] == found["instants"] == 40
    for kind in ("trace", "random"):
        assert found[f"{kind} ratio, ppm"] < found[f"{kind} oldest, ppm"]


def test_an_adversary_finds_no_eviction_loop_and_no_eviction_for_one_that_never_starts():
    found = search(steps=10 * SCALE, seed=1)
    assert found.cycles >= 9 * SCALE
    assert found.evictions > SCALE


@pytest.mark.parametrize("policy", POLICIES)
def test_whoever_was_pushed_aside_comes_back_once_there_is_room(policy):
    world = World(Settings(policy=policy), Random(7))
    for _ in range(SCALE):
        world.now += STEP
        world.leave()
        world.arrive()
        world.cycle()
    world.settle()
    waited = 0
    while world.pending and waited < 3_000:
        world.now += STEP
        world.leave()
        world.cycle()
        waited += 1
    assert not world.pending
