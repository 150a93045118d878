"""Engines that do not answer, lose what they had, or come back: what becomes of the runs there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clusters.models import ClusterState
from deployments.books import differences_between_books_and_runs
from deployments.models import Outcome, Run
from deployments.services.give_up import declare_lost
from deployments.services.reconciliation import MISSES_ALLOWED
from deployments.services.steer import stop_deployment
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import engine_of, exits, last, live, look, now_is, run
from deployments.verdicts import MOST_LOSSES

pytestmark = pytest.mark.usefixtures("only_legal_moves")


@pytest.fixture
def deployment(cluster):
    return DeploymentFactory(cluster=cluster)


@pytest.fixture(autouse=True)
def books_balance(db):
    yield
    assert differences_between_books_and_runs() == []


def test_a_lost_one_comes_back_without_using_a_retry(cluster):
    deployment = DeploymentFactory(cluster=cluster, restart_policy="on_failure", max_retries=1)
    run(deployment)
    engine_of(cluster).lose(live(deployment).container_name)
    look(cluster)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.lost_count, deployment.retries_used) == ("pending", 1, 0)
    assert last(deployment).outcome == Outcome.LOST


def test_losses_years_apart_do_not_add_up(cluster):
    deployment = DeploymentFactory(cluster=cluster, lost_count=MOST_LOSSES)
    run(deployment)
    Run.objects.filter(deployment=deployment).update(running_at=timezone.now() - timedelta(days=365))
    engine_of(cluster).lose_all()
    look(cluster)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.lost_count) == ("pending", 1)


def test_one_lost_while_it_stops_belongs_to_the_stop(alice, cluster, deployment):
    engine_of(cluster).slow(stop_seconds=60)
    run(deployment)
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    engine_of(cluster).lose_all()
    look(cluster)
    assert now_is(deployment)[0] == "completed"


def test_after_three_misses_the_cluster_is_unreachable_and_it_comes_back_by_itself(cluster, deployment):
    run(deployment)
    engine_of(cluster).unreachable(3600)
    for miss in range(1, MISSES_ALLOWED + 2):
        look(cluster)
        cluster.refresh_from_db()
        unreachable = cluster.state == ClusterState.UNREACHABLE
        assert unreachable is (miss >= MISSES_ALLOWED)
    assert now_is(deployment)[0] == "running"
    engine_of(cluster).heal()
    look(cluster)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.missed_observations) == (ClusterState.READY, 0)
    assert list(cluster.events.order_by("pk").values_list("kind", flat=True)) == ["unreachable", "reachable"]


def test_what_ended_while_the_engine_was_unreachable_is_learnt_afterwards(cluster):
    deployment = DeploymentFactory(cluster=cluster, simulated_seconds=60)
    run(deployment)
    engine_of(cluster).unreachable(30)
    look(cluster)
    engine_of(cluster).wind_clock(90)
    look(cluster)
    assert now_is(deployment)[0] == Status.COMPLETED


def test_an_engine_that_was_given_up_is_emptied_before_anything_starts_there(alice, cluster, deployment):
    run(deployment)
    engine = engine_of(cluster)
    engine.unreachable(3600)
    for _ in range(MISSES_ALLOWED):
        look(cluster)
    declare_lost(actor=alice, cluster_id=cluster.pk, confirm=cluster.name)
    assert now_is(deployment)[0] == "pending"
    look(cluster)
    cluster.refresh_from_db()
    assert cluster.state == ClusterState.UNREACHABLE
    engine.heal()
    assert len(engine.running()) == 1
    look(cluster)
    cluster.refresh_from_db()
    assert (engine.containers(), cluster.state, cluster.declared_lost_at) == ((), ClusterState.READY, None)


def test_what_was_cut_off_while_the_engine_was_away_comes_back_without_using_a_retry(cluster, deployment):
    run(deployment)
    engine_of(cluster).unreachable(3600)
    look(cluster)
    engine_of(cluster).heal()
    exits(deployment, 137)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.lost_count, deployment.retries_used) == ("pending", 1, 0)
    assert (last(deployment).outcome, last(deployment).failure) == (Outcome.LOST, "lost")
    run(deployment)
    exits(deployment, 137)
    assert now_is(deployment) == ("failed", "exited_with_error")
