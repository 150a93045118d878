"""Nothing is written of a plan whose certificate does not hold, or is another's."""

from dataclasses import replace

import pytest

from scheduling.core.certificates import totals_of
from scheduling.core.decide import decide
from scheduling.core.invariants import InvariantBroken
from scheduling.core.policy import BALANCED, LEAST_WASTE, TWO_PHASE
from scheduling.core.state import Plan, Snapshot
from scheduling.core.verification import verify
from scheduling.tests.core_cases import HIGH, LOW, cluster, runs, waits

NOW = 100_000_000


def snapshot(policy=TWO_PHASE):
    """Two clusters: in the second, 11 goes for 14 and 12 could have; 15 has a seat, 16 waits."""
    running = [runs(11, 4), runs(12, 4, since=50), runs(13, 2, stopping=True)]
    pending = [waits(14, 4, HIGH), waits(15, 2, HIGH, seated=True), waits(16, 9, LOW)]
    states = [cluster(4, id_=1, pending=[waits(1, 4)]), cluster(10, id_=2, running=running, pending=pending)]
    return Snapshot.of(replace(state, policy=policy, now=NOW) for state in states)


def refusal(change) -> str:
    seen = snapshot()
    idle, busy = decide(seen).clusters
    with pytest.raises(InvariantBroken) as refused:
        verify(seen, Plan.of(seen, [idle, replace(busy, certificate=change(busy.certificate))]))
    return str(refused.value)


@pytest.mark.parametrize("policy", [TWO_PHASE, LEAST_WASTE, BALANCED])
def test_a_plan_with_its_own_certificate_may_be_written(policy):
    seen = snapshot(policy)
    plan = decide(seen)
    assert [len(one.evictions) for one in plan.clusters] == [0, 1]
    verify(seen, plan)


def test_evictions_without_a_certificate_are_refused():
    assert refusal(lambda c: None) == "cluster 2: certificate refused: 1 evictions have none"


def test_a_certificate_that_does_not_hold_is_refused_with_its_figures():
    words = "cluster 2: certificate refused: (0,) is left, not (9,)"
    assert refusal(lambda c: replace(c, room=(9,))) == words


def test_a_certificate_that_leaves_a_candidate_out_is_refused():
    def without_the_last(c):
        return replace(c, candidates=c.candidates[:-1], totals=totals_of(c.candidates[:-1]))

    assert "1 runs could go, of 2 that may" in refusal(without_the_last)
