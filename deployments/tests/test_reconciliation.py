"""A reconcile pass against the real simulated engine: what it writes, and what it asks for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import secrets
from clusters.models import Cluster
from deployments.books import differences_between_books_and_runs
from deployments.models import Outcome, Run
from deployments.services.steer import stop_deployment
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, engine_of, evict, exits, kinds, last, live, look, now_is, run

pytestmark = pytest.mark.usefixtures("only_legal_moves")


@pytest.fixture
def deployment(cluster):
    return DeploymentFactory(cluster=cluster)


@pytest.fixture(autouse=True)
def books_balance(db):
    yield
    assert differences_between_books_and_runs() == []


def test_a_booked_one_runs_after_one_pass_dated_and_named_by_its_engine(cluster, deployment):
    run(deployment)
    (container,) = engine_of(cluster).containers()
    assert now_is(deployment) == ("running", None)
    assert live(deployment).running_at == container.started_at
    assert live(deployment).allocations.get().handle == container.handle
    assert kinds(deployment) == ["scheduled", "running"]


def test_a_slow_start_is_starting_until_the_engine_says_that_it_runs(cluster, deployment):
    engine_of(cluster).slow(start_seconds=60)
    run(deployment)
    look(cluster)
    assert now_is(deployment)[0] == "starting"
    engine_of(cluster).wind_clock(60)
    look(cluster)
    assert now_is(deployment)[0] == "running"
    assert engine_of(cluster).starts(live(deployment).container_name) == 1


def test_a_natural_end_frees_what_it_held(cluster, deployment):
    run(deployment)
    exits(deployment, 0)
    cluster.refresh_from_db()
    assert now_is(deployment)[0] == "completed"
    assert (last(deployment).outcome, last(deployment).exit_code) == (Outcome.COMPLETED, 0)
    assert cluster.allocated == (0, 0, 0)
    assert engine_of(cluster).containers() == ()


def test_the_end_of_its_log_is_kept_on_its_run(cluster):
    deployment = DeploymentFactory(cluster=cluster, simulated_seconds=0, command=["train"])
    run(deployment)
    assert "train started" in last(deployment).log_tail
    assert last(deployment).log_kept_at is not None
    assert last(deployment).allocations.get().handle


def test_a_log_that_could_not_be_kept_is_kept_by_the_next_pass_before_its_container_goes(
    cluster, monkeypatch
):
    deployment = DeploymentFactory(cluster=cluster, simulated_seconds=0)
    with monkeypatch.context() as crash:
        crash.setattr("deployments.services.reconciliation.keep_logs", lambda **_: None)
        run(deployment)
    assert (last(deployment).log_tail, len(engine_of(cluster).containers())) == ("", 1)
    look(cluster)
    assert "exit code 0" in last(deployment).log_tail
    assert engine_of(cluster).containers() == ()


def test_one_too_quick_to_be_seen_running_has_its_times_all_the_same(cluster):
    deployment = DeploymentFactory(cluster=cluster, simulated_seconds=0)
    run(deployment)
    assert now_is(deployment)[0] == "completed"
    assert last(deployment).running_at is not None
    assert kinds(deployment) == ["scheduled", "completed"]


def test_a_bad_end_is_retried_after_a_wait_and_then_fails(cluster):
    deployment = DeploymentFactory(cluster=cluster, restart_policy="on_failure", max_retries=1)
    run(deployment)
    exits(deployment, 3)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.retries_used, deployment.exit_code) == ("pending", 1, 3)
    assert deployment.retry_at > timezone.now() + timedelta(seconds=5)
    assert deployment.started_at is None
    run(deployment)
    exits(deployment, 3)
    assert now_is(deployment) == ("failed", "exited_with_error")
    assert kinds(deployment)[-1] == "failed"


def test_a_victim_keeps_its_place_and_counts_one_preemption(cluster, deployment):
    queued_at = deployment.queued_at
    run(deployment)
    evict(deployment, DeploymentFactory(cluster=cluster, priority=3))
    look(cluster)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.queued_at, deployment.preemption_count) == ("pending", queued_at, 1)
    assert last(deployment).outcome == Outcome.PREEMPTED
    assert kinds(deployment)[-2:] == ["preempted", "requeued_after_preemption"]


def test_an_end_after_our_signal_belongs_to_the_stop_whatever_the_code(alice, cluster, deployment):
    engine_of(cluster).slow(stop_seconds=60)
    run(deployment)
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    exits(deployment, 99)
    assert now_is(deployment)[0] == "completed"
    assert (last(deployment).outcome, last(deployment).exit_code) == (Outcome.STOPPED, 99)


def test_an_end_that_the_engine_dates_before_our_signal_is_the_runs_own(alice, cluster, deployment):
    run(deployment)
    engine_of(cluster).lie(live(deployment).container_name, exit_code=99)
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    assert now_is(deployment) == ("failed", "exited_with_error")


def test_the_simulator_never_dates_a_stop_before_our_signal(alice, cluster):
    """Its clock is Redis', ours the process': on one machine the order must hold to the microsecond."""
    deployments = DeploymentFactory.create_batch(20, cluster=cluster, gpu=0)
    run(*deployments)
    for deployment in deployments:
        stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    assert set(Run.objects.values_list("outcome", flat=True)) == {Outcome.STOPPED}


def test_grace_is_capped_by_the_cluster(alice, cluster):
    Cluster.objects.filter(pk=cluster.pk).update(max_grace_period_seconds=5)
    engine_of(cluster).slow(stop_seconds=3000)
    deployment = DeploymentFactory(cluster=cluster, grace_period_seconds=600)
    run(deployment)
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    engine_of(cluster).wind_clock(5)
    look(cluster)
    assert last(deployment).detail == "killed after its grace"


def test_past_its_time_limit_it_is_stopped_and_fails(cluster):
    deployment = DeploymentFactory(cluster=cluster, time_limit_seconds=60)
    run(deployment)
    Run.objects.update(running_at=timezone.now() - timedelta(seconds=60))
    look(cluster)
    assert now_is(deployment) == ("failed", "time_limit")
    assert kinds(deployment) == ["scheduled", "running", "time_limit_reached", "failed"]


def test_a_container_of_a_run_that_has_ended_is_removed_and_told(cluster, deployment):
    run(deployment)
    name = live(deployment).container_name
    exits(deployment, 0)
    engine_of(cluster).inject(name)
    look(cluster)
    assert engine_of(cluster).containers() == ()
    assert kinds(deployment)[-1] == "orphan_removed"


def test_a_container_that_nobody_owns_is_removed(cluster):
    engine_of(cluster).inject("run-1000000000")
    look(cluster)
    assert engine_of(cluster).containers() == ()


def test_after_a_crash_between_start_and_record_nothing_is_started_twice(cluster, deployment, monkeypatch):
    book(deployment)
    with monkeypatch.context() as crash:
        crash.setattr("deployments.services.reconciliation.reconcile", _only_the_first(1))
        look(cluster)
    assert now_is(deployment)[0] == "starting"
    look(cluster)
    assert now_is(deployment)[0] == "running"
    assert engine_of(cluster).starts(live(deployment).container_name) == 1


def _only_the_first(passes):
    from deployments.reconcile import reconcile

    left = iter([True] * passes)
    return lambda *state, **more: reconcile(*state, **more) if next(left, False) else []


def test_a_secret_that_cannot_be_read_fails_its_own_deployment_and_no_other(cluster, deployment):
    unreadable = DeploymentFactory(cluster=cluster, secret_env="written with a key that is gone")
    run(unreadable, deployment)
    assert now_is(deployment)[0] == "running"
    assert now_is(unreadable) == ("failed", "start_refused")
    assert "ENCRYPTION_KEYS" in last(unreadable).detail
    cluster.refresh_from_db()
    assert cluster.missed_observations == 0


def test_a_run_keeps_what_it_was_started_with_and_its_secrets_only_encrypted(cluster):
    token = secrets.encrypt({"TOKEN": "a-secret-value"})
    deployment = DeploymentFactory(cluster=cluster, secret_env=token, env={"MODE": "plain"}, args=["-v"])
    run(deployment)
    spec = live(deployment).spec
    assert (spec["secret_env"], spec["env"], spec["args"]) == (token, {"MODE": "plain"}, ["-v"])
    assert "a-secret-value" not in str(spec)


def test_a_pass_with_nothing_to_do_writes_nothing(cluster, deployment, django_assert_num_queries):
    run(deployment)
    with django_assert_num_queries(5) as queries:  # lock, cluster, who runs on, other runs, unlock
        look(cluster)
    assert not [query for query in queries if not query["sql"].startswith("SELECT")]
