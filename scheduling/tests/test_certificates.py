"""Certificates as they are stored and shown: whole, true, checked before anybody stops, and no other tenant's ids."""

from dataclasses import replace

import pytest

from clusters.tests.factories import ClusterFactory
from deployments.models import DeploymentEvent
from organizations.tests.factories import OrganizationFactory
from scheduling import planning, tally
from scheduling.certificates import from_numbers
from scheduling.core.certificate_check import check_certificate
from scheduling.core.invariants import InvariantBroken
from scheduling.core.state import Plan
from scheduling.models import EvictionCertificate
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, cycle, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def contended(lab):
    """A full cluster where one HIGH waits: the cluster, its victim and the preemptor."""
    cluster = ClusterFactory(organization=lab, gpu=2)
    victim = submit(cluster, 2, LOW)
    cycle(cluster)
    return cluster, victim, submit(cluster, 1, HIGH)


def test_an_eviction_stores_its_certificate_whole_and_it_still_holds(contended):
    cluster, victim, preemptor = contended
    cycle(cluster)
    (stored,) = EvictionCertificate.objects.filter(cluster=cluster)
    certificate = from_numbers(stored.numbers)
    check_certificate(certificate)
    (step,) = certificate.steps
    assert (step.preemptor, step.victims) == (preemptor.pk, (victim.pk,))
    event = DeploymentEvent.objects.get(deployment=victim, kind="preempted")
    assert event.data["certificate_id"] == stored.pk
    assert event.data["lost_seconds"] == stored.lost_seconds


def test_a_cycle_that_evicts_nobody_stores_none(lab):
    cluster = ClusterFactory(organization=lab, gpu=2)
    submit(cluster, 1, HIGH)
    cycle(cluster)
    assert not EvictionCertificate.objects.exists()


def with_room_for_all(certificate):
    """Its numbers say that nobody had to go: the preemptor found room."""
    (step,) = certificate.steps
    return replace(certificate, steps=(replace(step, room=step.need),))


def test_a_plan_whose_certificate_does_not_hold_is_refused_counted_and_writes_nothing(contended, monkeypatch):
    cluster, victim, _ = contended
    decide, before = planning.decide, tally.read().get("refused", 0)

    def badly(snapshot):
        (plan,) = decide(snapshot).clusters
        return Plan.of(snapshot, [replace(plan, certificate=with_room_for_all(plan.certificate))])

    monkeypatch.setattr(planning, "decide", badly)
    with pytest.raises(InvariantBroken, match="certificate refused"):
        run_cycle(cluster_ids=[cluster.pk])
    victim.refresh_from_db()
    assert victim.status == "starting"
    assert tally.read()["refused"] == before + 1


def test_an_eviction_without_a_certificate_is_refused(contended, monkeypatch):
    cluster, *_ = contended
    decide = planning.decide

    def silently(snapshot):
        (plan,) = decide(snapshot).clusters
        return Plan.of(snapshot, [replace(plan, certificate=None)])

    monkeypatch.setattr(planning, "decide", silently)
    with pytest.raises(InvariantBroken, match="1 evictions have none"):
        run_cycle(cluster_ids=[cluster.pk])


def test_certificates_are_listed_with_who_went_for_whom(contended, api, alice):
    cluster, victim, preemptor = contended
    cycle(cluster)
    (told,) = api(alice).get(f"/clusters/{cluster.pk}/certificates").json()["results"]
    assert [one["deployment_id"] for one in told["preemptors"]] == [preemptor.pk]
    assert [(one["deployment_id"], one["preemptor_id"]) for one in told["victims"]] == [
        (victim.pk, preemptor.pk)
    ]
    assert (told["room_before_gpu"], told["room_after_gpu"]) == (0, 1)


def test_of_another_tenants_work_a_certificate_tells_amount_and_priority_alone(contended, api, alice):
    cluster, victim, _ = contended
    victim.organization = OrganizationFactory()
    victim.save(update_fields=["organization"])
    cycle(cluster)
    (told,) = api(alice).get(f"/clusters/{cluster.pk}/certificates").json()["results"]
    assert told["victims"][0]["deployment_id"] is None
    assert told["victims"][0]["required_gpu"] == 2
    assert str(victim.pk) not in {str(one["deployment_id"]) for one in told["spared"]}
