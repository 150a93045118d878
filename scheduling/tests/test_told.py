"""Whatever is stored of a deployment's story is told, also what one statement writes of thousands."""

from django.utils import timezone

from deployments.events import KINDS
from deployments.models import DeploymentEvent
from deployments.reconcile import MarkRunning
from deployments.services.runs import record_running
from deployments.tests.factories import DeploymentFactory
from scheduling.services import run_cycle


def test_a_start_and_what_the_engine_says_are_told_with_the_new_state(told, alice, api, cluster):
    one, two = DeploymentFactory.create_batch(2, cluster=cluster)
    events, _ = told(lambda: run_cycle(cluster_ids=[cluster.pk]))
    assert [(event[1], event[3], event[5]) for event in events] == [
        ("scheduled", "starting", one.pk), ("scheduled", "starting", two.pk)
    ]  # fmt: skip
    runs = one.runs.all() | two.runs.all()
    marks = [MarkRunning(run.pk, "h", timezone.now()) for run in runs]
    events, _ = told(lambda: record_running(marks={cluster.pk: marks}))
    assert [(event[1], event[2], event[3]) for event in events] == [("running", "runtime", "running")] * 2
    events, _ = told(lambda: api(alice).post(f"/deployments/{one.pk}/stop"))
    assert [(event[1], event[3], event[5]) for event in events] == [("stop_requested", "stopping", one.pk)]


def test_every_event_that_is_stored_is_told(told, api, alice, cluster):
    def story():
        client = api(alice)
        low = DeploymentFactory.create_batch(4, cluster=cluster, gpu=2, priority=1)
        run_cycle(cluster_ids=[cluster.pk])
        DeploymentFactory(cluster=cluster, gpu=4, priority=3)
        run_cycle(cluster_ids=[cluster.pk])
        client.patch(f"/deployments/{low[0].pk}", {"name": "other"})
        client.delete(f"/deployments/{low[1].pk}")

    events, _ = told(story)
    stored = DeploymentEvent.objects.values_list("kind", "source", "deployment_id", "organization_id")
    assert sorted((event[1], event[2], event[5], event[7]) for event in events) == sorted(stored)
    kinds = {event[1] for event in events}
    assert kinds <= KINDS
    assert {"scheduled", "preempted", "changed"} <= kinds
    preempted = next(event for event in events if event[1] == "preempted")
    assert (
        preempted[4]
        == DeploymentEvent.objects.filter(kind="preempted", deployment_id=preempted[5]).get().data
    )
