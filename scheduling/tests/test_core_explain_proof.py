"""What explain says is true, and complete: held against brute force on random states, of every policy.

PROOF_SCALE=33 tries ten thousand states; `python -m scheduling.tests.explain_proof 10000` prints the figures.
"""

import os
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.decide import decide
from scheduling.core.explain import Known, explain
from scheduling.core.forks import Budget, Forks
from scheduling.core.state import Snapshot
from scheduling.tests import explain_proof
from scheduling.tests.explain_proof import a_state, as_loaded, changed, kinds_that_start, placed
from scheduling.tests.strategies import BLOCKS, clusters, policies

SCALE = int(os.environ.get("PROOF_SCALE", "1"))


def test_every_suggestion_starts_it_and_no_kind_that_would_is_missing():
    figures = explain_proof.proof(300 * SCALE)
    assert figures["started"] == figures["suggestions"] > 1000 * SCALE
    assert figures["smaller amounts that are the largest"] >= 0.99 * figures["smaller amounts"]
    assert {f"  {kind}" for kind in explain_proof.Kind} <= figures.keys()
    assert figures["  of the only dependency"] > 10 * SCALE


@given(st.one_of(clusters(blocks=BLOCKS[:2]), clusters(blocks=(), shrunk=True)), policies)
def test_it_is_true_of_states_at_their_smallest_too(state, policy):
    state = as_loaded(replace(state, policy=policy))
    for row in state.pending:
        explanation = explain(state, row.id)
        for change in explanation.changes:
            assert placed(changed(state, row, change, Known()), row.id)
        if explanation.next_cycle is None and not row.seated and state.blocked is None:
            assert kinds_that_start(state, row, Known()) <= {change.kind for change in explanation.changes}


def test_a_fork_without_those_who_cannot_matter_does_for_its_target_what_the_whole_does():
    for seed in range(1000 * SCALE):
        state = a_state(Random(seed))
        (whole,) = decide(Snapshot.of([state])).clusters
        for row in state.pending:
            fork = Forks(cluster=state, target=row, budget=Budget(plans=1, rows=1)).plan()
            assert (row.id in fork.starts, row.id in fork.seats) == (
                row.id in whole.starts,
                row.id in whole.seats,
            ), seed
            assert fork.evictions == whole.evictions, seed


def test_the_same_question_has_the_same_answer_in_whatever_order_the_rows_come():
    for seed in range(50 * SCALE):
        dice = Random(seed)
        state = a_state(dice)
        running, pending = list(state.running), list(state.pending)
        dice.shuffle(running)
        dice.shuffle(pending)
        shuffled = replace(state, running=tuple(running), pending=tuple(pending))
        for row in pending:
            assert explain(shuffled, row.id) == explain(state, row.id)
