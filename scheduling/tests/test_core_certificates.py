"""Certificates: what they tell of a plan's evictions, and that the check refuses each that does not hold."""

from dataclasses import replace

import pytest

from scheduling.core.certificate_check import check_certificate
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.certificates import Candidate, Step, totals_of
from scheduling.core.policy import LEAST_WASTE, TWO_PHASE, Policy, VictimOrder
from scheduling.core.state import Running
from scheduling.tests.certificate_states import SECOND, YOUNGEST
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, evicted, plan_of, runs, waits

NOW = 100 * SECOND


def plan(policy: Policy, *, left: int | None = None, total: int = 10, running=(), pending=()):
    state = cluster(total, running=running, pending=pending)
    return plan_of(replace(state, policy=policy, now=NOW, evictions_left=left))


def ran(id_: int, need: int, seconds: int, priority: int = LOW, **fields) -> Running:
    return replace(runs(id_, need, priority, since=NOW - seconds * SECOND), **fields)


RUNNING = (ran(1, 4, 10), ran(2, 4, 50), ran(3, 2, 90, MEDIUM))
PENDING = (waits(5, 4, HIGH), waits(6, 2, HIGH, since=1))


def certificate(policy: Policy = TWO_PHASE):
    return plan(policy, running=RUNNING, pending=PENDING).certificate


def test_a_plan_that_evicts_nobody_has_no_certificate():
    assert plan(TWO_PHASE, running=RUNNING[:1], pending=PENDING).certificate is None


def test_a_certificate_tells_the_candidates_in_order_and_the_room_of_each_step():
    found = certificate()
    assert [(one.id, one.lost) for one in found.candidates] == [
        (2, 4 * 50_000),
        (1, 4 * 10_000),
        (3, 180_000),
    ]
    assert found.steps == (Step(5, HIGH, (4,), (0,), (2,)), Step(6, HIGH, (2,), (0,), (1,)))
    assert (found.given_back, found.room, found.free_now) == ((), (2,), (0,))
    check_certificate(found)


def test_youngest_first_is_told_and_done_in_that_order():
    found = certificate(YOUNGEST)
    assert [one.id for one in found.candidates] == [1, 2, 3]
    assert [step.victims for step in found.steps] == [(1,), (2,)]
    check_certificate(found)


def test_a_start_of_this_cycle_is_a_candidate_that_loses_nothing():
    found = plan(
        TWO_PHASE, total=6, running=[ran(1, 4, 10)], pending=[waits(2, 2), waits(3, 6, HIGH)]
    ).certificate
    assert found.candidates[0] == Candidate(2, LOW, (2,), NOW, NOW, 0, own_start=True, rank=LOW)
    check_certificate(found)


def test_a_victim_that_a_later_one_makes_needless_is_given_back():
    running = [ran(1, 1, 90), ran(2, 3, 50)]
    found = plan(TWO_PHASE, total=4, running=running, pending=[waits(5, 1, HIGH), waits(6, 2, HIGH, since=1)])
    assert evicted(found) == [(2, 6)]
    assert found.certificate.given_back == (1,)
    check_certificate(found.certificate)


@pytest.mark.parametrize("policy", [TWO_PHASE, LEAST_WASTE])
def test_one_that_has_not_run_long_enough_is_no_candidate(policy):
    found = plan(replace(policy, minimum_run_seconds=20), running=RUNNING, pending=PENDING)
    assert [victim for victim, _ in evicted(found)] == [2, 3]
    assert 1 not in [one.id for one in found.certificate.candidates]
    check_certificate(found.certificate)


@pytest.mark.parametrize("policy", [TWO_PHASE, LEAST_WASTE])
def test_one_that_was_preempted_too_often_is_no_candidate(policy):
    running = [ran(1, 4, 10, evictions=1), ran(2, 4, 50, evictions=2), RUNNING[2]]
    found = plan(replace(policy, most_evictions=2), running=running, pending=PENDING[:1])
    assert evicted(found) == [(1, 5)]
    check_certificate(found.certificate)


@pytest.mark.parametrize("policy", [TWO_PHASE, LEAST_WASTE])
def test_one_for_whom_more_would_have_to_go_than_may_evicts_nobody_and_the_next_has_its_turn(policy):
    pending = [waits(5, 8, HIGH), waits(6, 2, HIGH, since=1)]
    found = plan(policy, left=1, running=RUNNING, pending=pending)
    assert (found.seats, len(found.evictions)) == ((6,), 1)
    check_certificate(found.certificate)


def changed(found, id_: int, **fields):
    """The certificate with a candidate altered, and the sums made to agree."""
    rows = tuple(replace(one, **fields) if one.id == id_ else one for one in found.candidates)
    return replace(found, candidates=rows, totals=totals_of(rows))


def stepped(found, number: int, **fields):
    steps = list(found.steps)
    steps[number] = replace(steps[number], **fields)
    return replace(found, steps=tuple(steps))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda c: replace(c, candidates=(*c.candidates, c.candidates[0])), "listed twice"),
        (lambda c: changed(c, 3, need=(-2,)), "3 holds (-2,)"),
        (lambda c: changed(c, 3, lost=1), "3 would lose 180000, not 1"),
        (lambda c: changed(c, 3, own_start=True), "3 is no start of this cycle"),
        (lambda c: changed(c, 1, started_at=NOW - 60 * SECOND), "2 is listed before 1"),
        (lambda c: changed(c, 3, priority=HIGH), "3 has priority 3, which nobody may preempt"),
        (lambda c: replace(c, totals=(0, *c.totals[1:])), "the candidates add up to"),
        (lambda c: replace(c, minimum_run_seconds=11), "1 ran 10000000 of 11000000 microseconds"),
        (lambda c: replace(c, most_evictions=0), "2 was preempted 0 times, of at most 0"),
        (lambda c: replace(c, evictions_left=1), "2 evictions for 6 and those before, of 1"),
        (lambda c: stepped(c, 1, room=(1,)), "6 found (1,), not the (0,) that were left"),
        (lambda c: stepped(c, 1, need=(9,)), "6 needs (9,) of (4,)"),
        (lambda c: stepped(c, 1, need=(-1,)), "6 needs (-1,)"),
        (lambda c: stepped(c, 1, preemptor=5), "5 is placed, and holds room already"),
        (lambda c: stepped(c, 1, victims=(9,)), "9 goes for 6, and is no candidate"),
        (lambda c: stepped(c, 1, victims=(2,)), "2 goes for 6, and is no candidate or gone already"),
        (lambda c: stepped(c, 1, priority=LOW), "1 (1) goes for 6 (1)"),
        (lambda c: stepped(c, 0, need=(2,)), "6 found (0,), not the (2,) that were left"),
        (lambda c: stepped(c, 0, victims=(1,)), "(1,) go for 5, should (2,)"),
        (lambda c: replace(c, given_back=(1,)), "gives back (1,), should []"),
        (lambda c: replace(c, room=(9,)), "(2,) is left, not (9,)"),
    ],
)
def test_a_fault_is_refused_with_its_figures(fault, words):
    broken = fault(certificate())
    if broken.steps[0].victims == (1,):
        broken = stepped(broken, 1, victims=(2,))
    with pytest.raises(CertificateRefused) as refused:
        check_certificate(broken)
    assert words in str(refused.value)


def test_a_cheaper_one_that_would_do_is_named():
    found = plan(LEAST_WASTE, running=RUNNING, pending=PENDING[:1]).certificate
    assert found.steps[0].victims == (1,)
    with pytest.raises(CertificateRefused, match=r"2 .* goes, and 1 .* would do"):
        check_certificate(stepped(found, 0, victims=(2,)))


def test_one_of_a_higher_priority_in_place_of_lower_ones_is_refused():
    found = plan(LEAST_WASTE, running=RUNNING, pending=PENDING[1:]).certificate
    with pytest.raises(CertificateRefused, match="rank 2 goes, and all lower ones would leave"):
        check_certificate(replace(stepped(found, 0, victims=(3,)), room=(0,)))


def test_a_needless_one_is_refused():
    found = plan(LEAST_WASTE, running=RUNNING, pending=PENDING[:1]).certificate
    with pytest.raises(CertificateRefused, match="2 goes for 5, which fits"):
        check_certificate(stepped(found, 0, victims=(1, 2)))


def test_a_certificate_of_no_eviction_is_refused():
    found = certificate()
    with pytest.raises(CertificateRefused, match="evicts nobody"):
        check_certificate(replace(found, steps=(), room=(0,)))


def test_the_order_of_the_policy_is_what_counts():
    with pytest.raises(CertificateRefused, match="2 is listed before 1"):
        check_certificate(replace(certificate(), victim_order=VictimOrder.YOUNGEST))
