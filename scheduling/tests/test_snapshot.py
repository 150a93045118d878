"""What the planner is told of runs and waiting ones, beyond what they need."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clusters.sharing.services import share_cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment, Outcome, Run
from deployments.services.checkpoints import report_checkpoint
from deployments.services.steer import stop_deployment
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import evict, live, run
from organizations.tests.factories import OrganizationFactory
from scheduling import durations
from scheduling.checkpoints import saved_at
from scheduling.core.columns import ints, known
from scheduling.models import ClusterPolicy
from scheduling.snapshot import load, microseconds

SECOND = 1_000_000
IMAGE = DeploymentFactory.docker_image


@pytest.fixture(autouse=True)
def nothing_known():
    durations.forget()


def seen(*clusters, at=None):
    return load(list(clusters), at or timezone.now()).clusters


def completed(cluster, seconds, image=IMAGE, **fields):
    """A run that ended well."""
    now = timezone.now()
    return Run.objects.create(
        deployment=DeploymentFactory(cluster=cluster, status="completed"), cluster=cluster, priority=2,
        spec={"docker_image": image}, booked_at=now - timedelta(days=1), ended_at=now,
        **{"organization": cluster.organization, "outcome": Outcome.COMPLETED,
           "running_at": now - timedelta(seconds=seconds)} | fields,
    )  # fmt: skip


def saved_by_one(started: int, reported: int | None, interval: int | None, now: int) -> int:
    (saved,) = saved_at(
        started=ints([started]), reported=known([reported]), interval_seconds=known([interval]), now=now
    )
    return int(saved)


@pytest.mark.parametrize(
    ("reported", "interval", "now", "saved"),
    [
        (None, None, 100, 10),
        (40, None, 100, 40),
        (None, 25, 34, 10),
        (None, 25, 35, 35),
        (None, 25, 100, 85),
        (90, 25, 100, 90),
        (40, 25, 100, 85),
        (5, None, 100, 10),
        (None, 25, 5, 10),
    ],
)
def test_the_latest_of_start_report_and_interval_counts(reported, interval, now, saved):
    told = None if reported is None else reported * SECOND
    assert saved_by_one(10 * SECOND, told, interval, now * SECOND) == saved * SECOND


@given(
    st.integers(0, 10**15), st.integers(0, 10**12), st.none() | st.integers(0, 10**12), st.integers(1, 10**6)
)
def test_no_more_than_an_interval_is_ever_lost(started, ran, report, interval):
    now = started + ran
    reported = None if report is None else min(now, started + report)
    saved = saved_by_one(started, reported, interval, now)
    assert max(started, reported or 0) <= saved <= now
    assert now - saved < interval * SECOND


def test_a_run_tells_what_it_saved_and_how_often_it_was_preempted(alice, cluster):
    reporting, regular, neither = (
        DeploymentFactory(cluster=cluster, **fields)
        for fields in ({}, {"checkpoint_interval_seconds": 60}, {"expected_seconds": 90})
    )
    run(reporting, regular, neither)
    Deployment.objects.filter(pk=neither.pk).update(preemption_count=2)
    report_checkpoint(actor=alice, deployment_id=reporting.pk)
    (state,) = seen(cluster, at=live(regular).booked_at + timedelta(seconds=130))
    runs = {one.id: one for one in state.running}
    assert runs[reporting.pk].saved_at == microseconds(live(reporting).checkpointed_at)
    assert runs[regular.pk].saved_at == runs[regular.pk].started_at + 120 * SECOND
    assert runs[neither.pk].saved_at == runs[neither.pk].started_at
    assert (runs[neither.pk].evictions, runs[regular.pk].evictions) == (2, 0)
    assert (runs[neither.pk].expected, runs[regular.pk].expected) == (90 * SECOND, None)


def test_what_is_left_of_a_minutes_evictions_counts_those_that_were_asked_for(alice, cluster, lab):
    ClusterPolicy.objects.create(cluster=cluster, evictions_per_minute=2)
    unlimited = ClusterFactory(organization=lab)
    victims = [DeploymentFactory(cluster=cluster, gpu=1, priority=1) for _ in range(3)]
    high = DeploymentFactory(cluster=cluster, priority=3)
    run(*victims)
    assert [state.evictions_left for state in seen(cluster, unlimited)] == [2, None]
    evict(victims[0], high)
    # A stop by the user wins over an eviction, and the eviction was one all the same.
    stop_deployment(actor=alice, deployment_id=victims[0].pk)
    assert seen(cluster)[0].evictions_left == 1
    for victim in victims[1:]:
        evict(victim, high)
    assert seen(cluster)[0].evictions_left == 0
    later = timezone.now() + timedelta(seconds=61)
    assert seen(cluster, at=later)[0].evictions_left == 2


def test_where_nobody_said_how_long_the_median_of_the_last_completed_runs_counts(cluster):
    ClusterPolicy.objects.create(cluster=cluster, shortest_first=True)
    unsaid = DeploymentFactory(cluster=cluster)
    said = DeploymentFactory(cluster=cluster, expected_seconds=7)
    new = DeploymentFactory(cluster=cluster, docker_image="registry.example.org/new:1")
    runs = DeploymentFactory(cluster=cluster)
    run(runs)
    for seconds in (100, 300, 200):
        completed(cluster, seconds)
    completed(cluster, 1, image="registry.example.org/new:1")
    completed(cluster, 9000, outcome=Outcome.FAILED)
    completed(ClusterFactory(), 9000)
    (state,) = seen(cluster)
    expected = {one.id: one.expected for one in (*state.pending, *state.running)}
    assert expected == {
        unsaid.pk: 200 * SECOND,
        said.pk: 7 * SECOND,
        new.pk: None,
        runs.pk: 200 * SECOND,
    }


def test_only_the_newest_completed_runs_count(cluster):
    for _ in range(durations.LAST):
        completed(cluster, 1000)
    for _ in range(durations.LAST):
        completed(cluster, 10)
    kind = (cluster.organization_id, IMAGE)
    assert durations.usual_seconds([kind]) == {kind: pytest.approx(10, abs=0.01)}


def test_what_is_usual_is_looked_up_once_in_a_while_and_only_for_policies_that_ask(cluster, lab):
    def questions(*clusters):
        with CaptureQueriesContext(connection) as queries:
            seen(*clusters)
        return len(queries)

    asks = ClusterFactory(organization=lab)
    for place in (cluster, asks):
        DeploymentFactory(cluster=place)
    plain = questions(cluster, asks)
    ClusterPolicy.objects.create(cluster=asks, reservation_after_seconds=60)
    assert questions(cluster) == plain
    assert questions(cluster, asks) == plain + 2
    assert questions(cluster, asks) == plain + 1


def test_the_number_of_questions_does_not_depend_on_the_number_of_clusters(lab):
    clusters = [ClusterFactory(organization=lab) for _ in range(5)]
    for place in clusters:
        ClusterPolicy.objects.create(cluster=place, preset="balanced", evictions_per_minute=1)
        DeploymentFactory(cluster=place)
    with CaptureQueriesContext(connection) as one:
        seen(clusters[0])
    durations.forget()
    with CaptureQueriesContext(connection) as all_of_them:
        seen(*clusters)
    assert len(one) == len(all_of_them)


def test_weights_are_those_of_the_shares_where_the_policy_shares(alice, cluster, lab):
    guests, alone = OrganizationFactory(), ClusterFactory(organization=lab)
    for place in (cluster, alone):
        share_cluster(actor=alice, cluster_id=place.pk, organization_id=guests.pk, weight=3)
    ClusterPolicy.objects.create(cluster=cluster, organization_shares=True, user_weights={str(alice.pk): 2})
    sharing, plain = seen(cluster, alone)
    assert (sharing.weights, sharing.user_weights) == ({lab.pk: 1, guests.pk: 3}, {alice.pk: 2})
    assert (plain.weights, plain.user_weights) == ({}, {})
