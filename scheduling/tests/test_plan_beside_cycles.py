"""Planning while others write, on PostgreSQL: first without the guard, where the bad thing happens, then with it."""

from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, transaction

from clusters.locks import lock_clusters
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from deployments.tests.racing import elsewhere
from scheduling import planning, snapshot
from scheduling.core.invariants import InvariantBroken
from scheduling.planning import foresee, unmoving_view
from scheduling.services import run_cycle
from scheduling.tests.cycles import submit

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def moving_view():
    with transaction.atomic():
        yield


def test_it_neither_waits_for_a_cycle_nor_keeps_one_waiting(lab):
    cluster = ClusterFactory(organization=lab)
    one = submit(cluster, 1)

    def plan_without_patience():
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 5000")
        return foresee(cluster_ids=[cluster.pk]).plan.clusters[0].starts

    with transaction.atomic():
        assert lock_clusters([cluster.pk])
        assert elsewhere(plan_without_patience) == (one.pk,)
    with unmoving_view():
        assert foresee(cluster_ids=[cluster.pk]).plan.clusters[0].starts == (one.pk,)
        assert elsewhere(lambda: run_cycle(cluster_ids=[cluster.pk])).locked == ()


@pytest.mark.parametrize("guarded", [False, True], ids=["without the guard", "guarded"])
def test_a_cycle_between_its_questions_is_not_half_seen(guarded, lab, monkeypatch):
    cluster = ClusterFactory(organization=lab)
    one = submit(cluster, 1)
    running = snapshot._running

    def meanwhile(*asked):
        elsewhere(lambda: run_cycle(cluster_ids=[cluster.pk]))
        return running(*asked)

    # The cycle itself reads with the same code, on its own thread and after the change.
    def once(*asked):
        monkeypatch.setattr(snapshot, "_running", running)
        return meanwhile(*asked)

    monkeypatch.setattr(snapshot, "_running", once)
    if guarded:
        assert foresee(cluster_ids=[cluster.pk]).plan.clusters[0].starts == (one.pk,)
    else:
        monkeypatch.setattr(planning, "unmoving_view", moving_view)
        with pytest.raises(InvariantBroken, match="distinct ids"):
            foresee(cluster_ids=[cluster.pk])
    assert Deployment.objects.get(pk=one.pk).status == "starting"


def test_nothing_can_be_written_from_a_plan(lab):
    cluster = ClusterFactory(organization=lab)
    with pytest.raises(DatabaseError, match="read-only"), unmoving_view():
        submit(cluster, 1)
    submit(cluster, 1)
