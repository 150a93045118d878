"""A cluster's past as a workload: from rows made by hand, and from lives that the services wrote."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clusters.tests.factories import ClusterFactory
from deployments.models import Allocation, Dependency, DeploymentEvent, Outcome, Run
from deployments.services.steer import cancel_deployment, requeue_deployment
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import exits, last, look
from organizations.tests.factories import OrganizationFactory
from scheduling import durations
from scheduling.history import workload_of
from scheduling.policy_services import set_policy
from scheduling.simulation.workload import SECOND
from scheduling.tests.cycles import HIGH, LOW, cycle, submit

HOUR = 3600 * SECOND
NOW = timezone.now()


def ago(hours):
    return NOW - timedelta(hours=hours)


@pytest.fixture
def past(cluster):
    return lambda days=7: workload_of(cluster, since=NOW - timedelta(days=days), until=NOW)


def ran(deployment, began, ended, outcome=Outcome.COMPLETED, gpu=2):
    """A run between so many hours ago, as its books would have it."""
    run = Run.objects.create(
        deployment=deployment, organization=deployment.organization, cluster=deployment.cluster,
        priority=deployment.priority, booked_at=ago(began), ended_at=ago(ended), outcome=outcome,
    )  # fmt: skip
    Allocation.objects.create(run=run, cluster=run.cluster, gpu=gpu * 1000, cpu=4000, ram=8192)
    return run


def waited(cluster, hours, **fields):
    """A completed one, queued so many hours ago."""
    fields = {"status": Status.COMPLETED, "ended_at": ago(1)} | fields
    made = DeploymentFactory(cluster=cluster, queued_at=ago(hours), **fields)
    type(made).objects.filter(pk=made.pk).update(created_at=ago(hours))
    made.refresh_from_db()
    return made


def test_a_job_is_what_its_run_held_for_as_long_as_it_held_it(cluster, past):
    one = waited(cluster, 10, priority=HIGH, expected_seconds=7200)
    ran(one, 8, 5)
    other = waited(cluster, 9)
    ran(other, 5, 4, gpu=1)
    made = past()
    assert made.total == tuple(cluster.total)
    first, second = made.jobs
    assert (first.submit, first.duration, first.need) == (0, 3 * HOUR, (2000, 4000, 8192))
    assert (first.priority, first.expected, first.organization) == (3, 2 * HOUR, one.organization_id)
    assert first.user == one.created_by_id
    assert (second.submit, second.duration) == (HOUR, HOUR)


def test_runs_that_were_preempted_or_lost_are_no_jobs(cluster, past):
    one = waited(cluster, 10)
    ran(one, 10, 9, Outcome.PREEMPTED)
    ran(one, 8, 7, Outcome.LOST)
    ran(one, 6, 4)
    assert [(job.submit, job.duration) for job in past().jobs] == [(0, 2 * HOUR)]


def test_a_retry_is_a_job_submitted_when_the_failed_run_ended(cluster, past):
    one = waited(cluster, 10)
    ran(one, 9, 8, Outcome.FAILED)
    ran(one, 5, 4)
    assert [job.submit for job in past().jobs] == [0, 2 * HOUR]


def test_one_queued_anew_is_submitted_then(cluster, past):
    one = waited(cluster, 10)
    ran(one, 9, 8)
    ran(one, 5, 4)
    ran(one, 2, 1)
    event = DeploymentEvent.objects.create(
        deployment=one, organization=one.organization, kind="requeued", source="user"
    )
    DeploymentEvent.objects.filter(pk=event.pk).update(at=ago(6))
    type(one).objects.filter(pk=one.pk).update(queued_at=ago(3))
    assert [job.submit for job in past().jobs] == [0, 4 * HOUR, 7 * HOUR]


def test_what_waited_for_others_is_submitted_when_they_had_ended(cluster, past):
    first = waited(cluster, 10, ended_at=ago(7))
    ran(first, 9, 7)
    second = waited(cluster, 10)
    Dependency.objects.create(deployment=second, depends_on=first)
    ran(second, 6, 5)
    assert [job.submit for job in past().jobs] == [0, 3 * HOUR]


def test_a_guests_work_on_the_cluster_is_replayed_too_and_another_clusters_is_not(cluster, past):
    guest = OrganizationFactory()
    ran(waited(cluster, 10, organization=guest), 8, 5)
    elsewhere = ClusterFactory(organization=cluster.organization)
    ran(waited(elsewhere, 10), 8, 5)
    assert [job.organization for job in past().jobs] == [guest.pk]


def test_checkpoints_and_what_an_image_usually_takes_are_known_to_the_replay(cluster, past):
    durations.forget()
    saving = waited(cluster, 20, checkpoint_interval_seconds=600, docker_image="trainer")
    for ended in (12, 11, 10):
        run = ran(saving, ended + 2, ended)
        Run.objects.filter(pk=run.pk).update(running_at=run.booked_at, spec={"docker_image": "trainer"})
    first, *_ = past().jobs
    assert (first.checkpoint, first.expected) == (600 * SECOND, 2 * HOUR)


def test_weights_of_shares_are_those_of_now(cluster, past, alice, bob):
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"user_weights": {str(bob.pk): 3}})
    ran(waited(cluster, 10), 8, 5)
    assert past().user_weights == {bob.pk: 3}


def test_what_gives_no_job_is_counted_by_why(cluster, past):
    ran(waited(cluster, 24 * 20), 2, 1)
    waited(cluster, 5, status=Status.PENDING, ended_at=None)
    waited(cluster, 5, status=Status.CANCELLED)
    waited(cluster, 5, status=Status.RUNNING, ended_at=None, started_at=ago(1))
    waited(cluster, 5, status=Status.RUNNING, ended_at=None, started_at=ago(1))
    made = past()
    assert made.jobs == ()
    assert made.left_out == {
        "were queued before the range": 1,
        "still run": 2,
        "still wait": 1,
        "were cancelled before they ran": 1,
    }


def test_lives_that_the_services_wrote_become_jobs(cluster, alice):
    """One is preempted and comes back, one fails and is queued anew, one is cancelled."""
    victim = submit(cluster, 8, LOW)
    cycle(cluster)
    look(cluster)
    urgent = submit(cluster, 8, HIGH)
    cycle(cluster)
    look(cluster)
    cycle(cluster)
    look(cluster)
    exits(urgent, 0)
    cycle(cluster)
    look(cluster)
    exits(victim, 1)
    requeue_deployment(actor=alice, deployment_id=victim.pk)
    cycle(cluster)
    look(cluster)
    exits(victim, 0)
    cancel_deployment(actor=alice, deployment_id=submit(cluster, 1).pk)
    until = timezone.now()
    made = workload_of(cluster, since=until - timedelta(days=2), until=until)
    names = {str(run.pk) for run in Run.objects.exclude(outcome=Outcome.PREEMPTED)}
    assert Run.objects.filter(outcome=Outcome.PREEMPTED).count() == 1
    assert {job.name for job in made.jobs} == names
    assert len(made.jobs) == 3
    assert made.left_out == {"were cancelled before they ran": 1}
    newest = last(victim)
    (anew,) = [job for job in made.jobs if job.name == str(newest.pk)]
    assert anew.duration == (newest.ended_at - newest.booked_at) // timedelta(microseconds=1)
    assert anew.submit == max(job.submit for job in made.jobs)
