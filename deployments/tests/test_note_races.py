"""A cycle and a note about the same runs: neither waits for the other in a circle."""

import pytest
from django.db import OperationalError, transaction

from clusters.locks import lock_clusters
from clusters.runtimes.base import Cause
from deployments.models import Deployment, Run
from deployments.reconcile import Delay
from deployments.services import runs
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, live
from deployments.tests.racing import Meeting, race

pytestmark = pytest.mark.django_db(transaction=True)
NOTES = {
    "why they do not start": lambda cluster, ids: runs.record_delays(
        cluster_id=cluster.pk, delays=[Delay(id_, Cause.ENGINE_FULL, "no room") for id_ in ids]
    ),
    "that their images are there": lambda cluster, ids: runs.record_images_ready(
        cluster_id=cluster.pk, run_ids=ids
    ),
}


@pytest.mark.parametrize("guarded", [False, True], ids=["without the guard", "guarded"])
@pytest.mark.parametrize("note", NOTES)
def test_an_eviction_meets_a_note(note, guarded, cluster, monkeypatch):
    booked = DeploymentFactory.create_batch(2, cluster=cluster)
    for one in booked:
        book(one)
    first, second = (live(one) for one in booked)
    began, nobody = Meeting(), Meeting()
    if not guarded:
        monkeypatch.setattr(runs, "lock_clusters", lambda _: None)

    @transaction.atomic
    def evict_the_second_first():
        lock_clusters([cluster.pk])
        stop(second)
        began.arrive()
        nobody.wait()
        stop(first)

    def stop(run):
        Deployment.objects.filter(pk=run.deployment_id).update(status=Status.STOPPING)
        Run.objects.filter(pk=run.pk).update(stop_cause="preemption")

    def write():
        began.wait()
        NOTES[note](cluster, [first.pk, second.pk])

    answers = race(evict_the_second_first, write)
    deadlocks = [answer for answer in answers if isinstance(answer, OperationalError)]
    assert len(deadlocks) == (0 if guarded else 1), answers
