"""A certificate has to speak of this very snapshot and plan: what its numbers cannot tell is held against the rows."""

from dataclasses import replace

import pytest

from scheduling.core.certificate_agreement import check_agreement
from scheduling.core.certificate_check import check_certificate
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.certificates import totals_of
from scheduling.core.policy import LEAST_WASTE, TWO_PHASE
from scheduling.tests.certificate_states import SECOND
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, plan_of, runs, waits

NOW = 100 * SECOND


def state(policy=TWO_PHASE):
    """1 goes for 4; 2 and 3 could have."""
    running = [runs(1, 4), runs(2, 4, since=50 * SECOND), runs(3, 2, MEDIUM, since=90 * SECOND)]
    return replace(
        cluster(10, running=running, pending=[waits(4, 4, HIGH), waits(5, 9, LOW)]), policy=policy, now=NOW
    )


def with_certificate(certificate, **fields):
    return replace(plan_of(state()), certificate=replace(certificate, **fields))


def candidates(rows):
    return {"candidates": tuple(rows), "totals": totals_of(rows)}


@pytest.mark.parametrize("policy", [TWO_PHASE, LEAST_WASTE])
def test_a_plans_own_certificate_agrees(policy):
    check_agreement(state(policy), plan_of(state(policy)))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda c: candidates(c.candidates[:-1]), "2 runs could go, of 3 that may"),
        (
            lambda c: candidates([*c.candidates[:-1], replace(c.candidates[-1], need=(1,), lost=10_000)]),
            "3 is told",
        ),
        (lambda c: {"steps": (replace(c.steps[0], preemptor=5),)}, "5 is no such one that the plan places"),
        (
            lambda c: {"steps": (replace(c.steps[0], room=(1,)),), "room": (1,)},
            "(1,) is left, by the plan (0,)",
        ),
        (lambda c: {"evictions_left": 1}, "follows"),
    ],
)
def test_a_certificate_that_is_sound_and_of_another_state_is_refused(fault, words):
    certificate = plan_of(state()).certificate
    other = with_certificate(certificate, **fault(certificate))
    check_certificate(other.certificate)
    with pytest.raises(CertificateRefused) as refused:
        check_agreement(state(), other)
    assert words in str(refused.value)


def test_evictions_that_the_certificate_does_not_tell_are_refused():
    plan = plan_of(state())
    with pytest.raises(CertificateRefused, match="tells of the evictions"):
        check_agreement(state(), replace(plan, evictions=()))
    with pytest.raises(CertificateRefused, match="1 evictions have none"):
        check_agreement(state(), replace(plan, certificate=None))
