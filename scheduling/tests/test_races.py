"""Cycles that meet others on PostgreSQL: first without the guard, where the bad thing happens, then with it."""

import threading

import pytest

from accounts.errors import Conflict
from clusters.amounts import Amount
from clusters.locks import lock_clusters
from clusters.models import Cluster
from clusters.services import manage
from clusters.tests.factories import ClusterFactory
from deployments.books import differences_between_books_and_runs
from deployments.models import Deployment, Run
from deployments.services import booking
from deployments.services.reconciliation import reconcile_cluster
from deployments.services.steer import cancel_deployment, stop_deployment
from deployments.services.submit import submit_deployment
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import engine_of, look, now_is, run
from deployments.tests.racing import Meeting, elsewhere, race
from scheduling import planning, services, tasks, waiting
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, submit

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 25
ENOUGH_ENDS = 12
both_ways = pytest.mark.parametrize("guarded", [False, True], ids=["without the guard", "guarded"])
ROOM = booking.START[
    booking.START.index(" AND cluster.allocated_ram + ") : booking.START.index("    RETURNING cluster.id")
]


def unlocked(cluster_ids, **_):
    return list(Cluster.objects.filter(pk__in=list(cluster_ids)).order_by("pk"))


def between_look_and_booking(monkeypatch, what) -> None:
    """Do `what`, once, when the next cycle has made its plan and has not written it."""
    decide, left = planning.decide, iter([what])

    def decide_and_dawdle(snapshot):
        plan = decide(snapshot)
        next(left, lambda: None)()
        return plan

    monkeypatch.setattr(planning, "decide", decide_and_dawdle)


@both_ways
def test_a_shrink_and_a_start(guarded, alice, lab, monkeypatch):
    cluster = ClusterFactory(organization=lab, gpu=1)
    submit(cluster, 1)
    checked, planned = Meeting(), Meeting()

    def nothing_promised_and_dawdles(_):
        checked.arrive()
        planned.wait()
        return Amount(0, 0, 0)

    def cycle():
        checked.wait()
        return run_cycle(cluster_ids=[cluster.pk])

    def shrink():
        return manage.change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 0})

    monkeypatch.setattr(manage, "promised_amounts", [nothing_promised_and_dawdles])
    between_look_and_booking(monkeypatch, planned.arrive)
    if not guarded:
        monkeypatch.setattr(services, "lock_clusters", unlocked)
        monkeypatch.setattr(booking, "START", booking.START.replace(ROOM, "\n"))
    race(cycle, shrink)
    cluster.refresh_from_db()
    assert bool(cluster.allocated.beyond(cluster.total)) is not guarded


def test_a_start_after_which_there_would_not_be_enough_is_refused_by_the_statement_itself(
    alice, lab, monkeypatch
):
    """The second guard alone: without the clusters' lock nothing is overbooked either."""
    cluster = ClusterFactory(organization=lab, gpu=1)
    submit(cluster, 1)
    monkeypatch.setattr(services, "lock_clusters", unlocked)
    between_look_and_booking(
        monkeypatch, lambda: elsewhere(lambda: Cluster.objects.filter(pk=cluster.pk).update(total_gpu=0))
    )
    with pytest.raises(booking.OverBooked):
        run_cycle(cluster_ids=[cluster.pk])
    assert differences_between_books_and_runs() == []


@both_ways
def test_a_users_stop_and_a_preemption_of_the_same_run(guarded, alice, cluster, monkeypatch):
    victim = submit(cluster, 8, LOW)
    run(victim)
    high = submit(cluster, 8, HIGH)
    between_look_and_booking(
        monkeypatch, lambda: elsewhere(lambda: stop_deployment(actor=alice, deployment_id=victim.pk))
    )
    if not guarded:
        unguarded = booking.EVICT.replace("AND deployment.status IN ('starting', 'running')", "")
        monkeypatch.setattr(booking, "EVICT", unguarded)
    run_cycle(cluster_ids=[cluster.pk])
    look(cluster)
    comes_back_though_its_user_stopped_it = now_is(victim)[0] == "pending"
    assert comes_back_though_its_user_stopped_it is not guarded
    run_cycle(cluster_ids=[cluster.pk])
    assert now_is(high)[0] == "starting"


@both_ways
def test_a_cancellation_and_a_start(guarded, alice, cluster, monkeypatch):
    gone, stays = submit(cluster, 8), submit(cluster, 8)
    between_look_and_booking(
        monkeypatch, lambda: elsewhere(lambda: cancel_deployment(actor=alice, deployment_id=gone.pk))
    )
    if not guarded:
        monkeypatch.setattr(booking, "START", booking.START.replace("AND status = 'pending'", ""))
    run_cycle(cluster_ids=[cluster.pk])
    runs_though_it_was_cancelled = now_is(gone)[0] == "starting"
    assert runs_though_it_was_cancelled is not guarded
    assert now_is(stays)[0] == ("starting" if guarded else "pending")


@both_ways
def test_two_schedulers_of_one_cluster(guarded, cluster, monkeypatch):
    """Without the lock both plan the same room for different deployments; nobody would tell them apart."""
    first, second = submit(cluster, 8), submit(cluster, 8)
    monkeypatch.setattr(booking, "START", booking.START.replace(ROOM, "\n"))
    if not guarded:
        monkeypatch.setattr(services, "lock_clusters", unlocked)
    between_look_and_booking(monkeypatch, lambda: elsewhere(other_scheduler))

    def other_scheduler():
        Deployment.objects.filter(pk=second.pk).update(priority=HIGH)
        return run_cycle(cluster_ids=[cluster.pk])

    run_cycle(cluster_ids=[cluster.pk])
    started = {one.pk for one in (first, second) if now_is(one)[0] == "starting"}
    assert started == ({first.pk} if guarded else {first.pk, second.pk})


def test_a_cluster_that_another_scheduler_has_locked_is_named_and_left_alone(cluster):
    submit(cluster, 1)
    inside, done = threading.Event(), threading.Event()

    def holds_the_lock():
        from django.db import transaction

        with transaction.atomic():
            lock_clusters([cluster.pk])
            inside.set()
            done.wait(30)

    def cycles_meanwhile():
        inside.wait(30)
        try:
            return run_cycle(cluster_ids=[cluster.pk])
        finally:
            done.set()

    _, result = race(holds_the_lock, cycles_meanwhile)
    assert (result.locked, result.plan.clusters) == ((cluster.pk,), ())


def test_one_submitted_while_the_snapshot_is_read_waits_for_what_it_depends_on(alice, cluster, monkeypatch):
    first = submit(cluster, 8)
    run(first)
    submit(cluster, 0, LOW)
    ask, meanwhile = waiting._rows, iter([True, False] * 2)

    def submit_meanwhile():
        return submit_deployment(
            actor=alice, organization_id=cluster.organization_id, cluster=cluster, dependency_ids=[first.pk],
            name="late", docker_image="late:1", required_ram=0, required_cpu=0,
        )  # fmt: skip

    def submitted_before_or_after(*question):
        if next(meanwhile):
            elsewhere(submit_meanwhile)
            return ask(*question)
        rows = ask(*question)
        elsewhere(submit_meanwhile)
        return rows

    monkeypatch.setattr(waiting, "_rows", submitted_before_or_after)
    run_cycle(cluster_ids=[cluster.pk])
    run_cycle(cluster_ids=[cluster.pk])
    assert Deployment.objects.filter(name="late").count() >= 2
    assert set(Deployment.objects.filter(name="late").values_list("status", flat=True)) == {Status.PENDING}


def test_two_beats_and_four_workers_start_nothing_twice(lab, monkeypatch):
    clusters = ClusterFactory.create_batch(3, organization=lab, gpu=8)
    deployments = [submit(cluster, 1) for cluster in clusters for _ in range(8)]
    monkeypatch.setattr(tasks.wakeups, "send", lambda ids, **_: tasks.run_cycles(list(ids)) if ids else None)

    def beat():
        for _ in range(4):
            tasks.sweep()

    def worker():
        for _ in range(4):
            tasks.run_cycles([cluster.pk for cluster in clusters])
            for cluster in clusters:
                reconcile_cluster(cluster_id=cluster.pk)

    answers = race(beat, beat, worker, worker, worker, worker)
    assert answers == [None] * 6
    for cluster in clusters:
        run_cycle(cluster_ids=[cluster.pk])
        look(cluster)
    assert Run.objects.count() == len(deployments)
    for cluster in clusters:
        containers = engine_of(cluster).containers()
        assert {engine_of(cluster).starts(container.name) for container in containers} == {1}
        assert len(containers) == 8
    assert differences_between_books_and_runs() == []


def test_cycles_ends_stops_and_cancellations_never_wait_for_each_other_in_a_circle(alice, lab):
    """Half of them end at once, the other half when their user stops them, or to make room."""
    clusters = ClusterFactory.create_batch(2, organization=lab, gpu=4)
    ids, endless = [cluster.pk for cluster in clusters], []
    ended = Run.objects.exclude(outcome=None)
    for number in range(48):
        seconds = 0 if number // 2 % 2 else None
        one = DeploymentFactory(
            cluster=clusters[number // 4 % 2],
            gpu=1 + number % 3,
            priority=(LOW, HIGH)[number % 2],
            simulated_seconds=seconds,
        )
        endless += [one.pk] if seconds is None else []

    def rounds():
        """So many, and on a busy machine more: until enough has happened to mean something."""
        for turn in range(10 * ROUNDS):
            if turn >= ROUNDS and ended.count() >= ENOUGH_ENDS:
                return
            yield turn

    def cycles(order):
        def run_them():
            for _ in rounds():
                run_cycle(cluster_ids=order)

        return run_them

    def ends():
        for _ in rounds():
            for id_ in ids:
                reconcile_cluster(cluster_id=id_)

    def user():
        for turn in range(ROUNDS):
            for pk in endless:
                try:
                    (cancel_deployment if turn == ROUNDS - 1 else stop_deployment)(
                        actor=alice, deployment_id=pk
                    )
                except Conflict:
                    continue

    answers = race(cycles(ids), cycles(ids[::-1]), ends, ends, user)
    assert answers == [None] * 5
    assert differences_between_books_and_runs() == []
    assert {"completed", "stopped"} <= set(ended.values_list("outcome", flat=True))
    assert ended.count() >= ENOUGH_ENDS
