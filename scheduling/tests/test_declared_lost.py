"""A cluster that was declared lost is not used before its engine has answered again."""

import pytest
from django.utils import timezone

from clusters.models import Cluster
from clusters.services import note_recovered
from deployments.services.give_up import declare_lost
from deployments.states import Status
from deployments.tests.lives import in_state, now_is
from scheduling.services import run_cycle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_legal_moves")]


def test_nothing_starts_there_until_the_engine_has_recovered(alice, cluster):
    job = in_state(cluster, Status.RUNNING)
    Cluster.objects.filter(pk=cluster.pk).update(unreachable_since=timezone.now(), missed_observations=3)
    declare_lost(actor=alice, cluster_id=cluster.pk, confirm=cluster.name)
    run_cycle(cluster_ids=[cluster.pk])
    assert now_is(job) == ("pending", "cluster_unreachable")
    note_recovered(cluster_id=cluster.pk)
    note_recovered(cluster_id=cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.declared_lost_at, cluster.unreachable_since, cluster.missed_observations) == (
        None,
        None,
        0,
    )
    assert list(cluster.events.values_list("kind", flat=True)) == ["recovered", "declared_lost"]
    run_cycle(cluster_ids=[cluster.pk])
    assert now_is(job) == ("starting", None)
