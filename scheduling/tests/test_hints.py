"""Hints on the real broker: coalesced, counted, and safe to lose."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from redis import Redis

from clusters import wakeups as module
from clusters.redis import redis_client
from clusters.tests.factories import ClusterFactory
from clusters.wakeups import Wakeups
from deployments import tasks as reconciling
from deployments.services.steer import cancel_deployment
from deployments.states import Status
from deployments.tests.lives import exits, in_state, look, now_is, run
from scheduling import heartbeat, tasks
from scheduling.core.invariants import InvariantBroken
from scheduling.hints import wakeups
from scheduling.services import CycleResult, run_cycle
from scheduling.tests.cycles import HIGH, LOW, submit

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def hints_on(settings, monkeypatch):
    """Under names of this test's own: another test process has clusters with the same ids, and the same Redis."""
    settings.SCHEDULER_HINTS = True
    for hints in (wakeups, reconciling.wakeups):
        monkeypatch.setattr(hints, "task", f"{hints.task}.{uuid4().hex}")
    monkeypatch.setattr(reconciling, "TURN", uuid4().hex)


@pytest.fixture
def sent(monkeypatch) -> list[tuple]:
    """What goes to the broker: a task, and the ids it is told if it is more than a bell."""
    found = []

    def note(task, args, **options):
        found.append((task, *args))

    monkeypatch.setattr(module, "current_app", SimpleNamespace(send_task=note))
    return found


@pytest.fixture
def hints() -> Wakeups:
    """Hints of a task of this test's own."""
    return Wakeups(f"test.{uuid4().hex}", interval_seconds=60, chunk=2)


@pytest.fixture
def dead_broker(monkeypatch):
    monkeypatch.setattr(module, "redis_client", lambda: Redis.from_url(NOBODY_LISTENS))


def all_of(hints) -> list[int]:
    """Whom the passes find that begin now."""
    found = []
    while ids := hints.take():
        found += ids
    return found


def test_any_number_of_hints_rings_once_and_makes_one_pass(hints, sent):
    for _ in range(5):
        hints.send([1])
        hints.send([2])
    assert sent == [(hints.task,)]
    assert (hints.take(), hints.take()) == ([1, 2], [])


def test_whoever_takes_a_part_rings_for_the_rest(hints, sent):
    hints.send([3, 1, 2, 3])
    assert len(sent) == 1
    first = hints.take()
    assert (len(first), len(sent)) == (2, 2)
    assert sorted(first + hints.take()) == [1, 2, 3]
    assert len(sent) == 2


def test_a_hint_during_a_pass_makes_another_one(hints, sent):
    hints.send([1, 2])
    hints.take()
    hints.send([2])
    assert (hints.take(), len(sent)) == ([2], 2)


def test_who_is_hinted_never_waits_behind_a_sweep(hints, sent):
    hints.send(range(10, 20), swept=True)
    hints.send([1])
    assert hints.take() == [1]
    assert sorted(all_of(hints)) == list(range(10, 20))


def test_a_bell_that_was_lost_is_rung_again_by_a_later_hint(hints, sent):
    hints.send([1])
    redis_client().delete(hints._bell)  # as it does by itself after BELL_SECONDS
    hints.send([2])
    assert (len(sent), hints.take()) == (2, [1, 2])


def test_what_was_found_locked_is_tried_again_by_a_bell_of_its_own(hints, sent):
    hints.again([2])
    assert (sent, hints.take()) == ([(hints.task,)], [2])


def test_an_engine_that_may_hang_has_one_task_of_its_own_in_the_queue(hints, sent):
    hints.apart([1, 2])
    hints.apart([1])
    hints.begin_apart(1)
    hints.apart([1, 2])
    assert sent == [(hints.task, [1]), (hints.task, [2]), (hints.task, [1])]


def test_with_hints_off_nothing_is_sent(alice, cluster, settings, sent, django_capture_on_commit_callbacks):
    settings.SCHEDULER_HINTS = False
    with django_capture_on_commit_callbacks(execute=True):
        cancel_deployment(actor=alice, deployment_id=submit(cluster, 1).pk)
        submit(cluster, 1)
        run_cycle(cluster_ids=[cluster.pk])
    wakeups.again([cluster.pk])
    assert (sent, wakeups.take()) == ([], [])


def test_with_hints_off_the_beat_still_sends(cluster, settings, sent):
    settings.SCHEDULER_HINTS = False
    submit(cluster, 1)
    tasks.sweep()
    assert cluster.pk in all_of(wakeups)
    assert (wakeups.task,) in sent


@pytest.mark.parametrize("call", ["send", "again", "apart"])
def test_without_a_broker_a_hint_is_lost_and_nothing_fails(call, hints, dead_broker):
    getattr(hints, call)([1])
    hints.begin_apart(1)
    assert hints.take() == []


def test_a_request_succeeds_without_a_broker(
    alice, cluster, dead_broker, api, django_capture_on_commit_callbacks
):
    body = {
        "name": "a",
        "docker_image": "a:1",
        "cluster_id": cluster.pk,
        "required_ram": 1,
        "required_cpu": 1,
    }
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        answer = api(alice).post("/deployments", body)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    assert callbacks


def test_a_heartbeat_is_stored_and_without_a_broker_missed_without_a_fuss(monkeypatch):
    heartbeat.beat()
    assert heartbeat.last()
    monkeypatch.setattr(heartbeat, "redis_client", lambda: Redis.from_url(NOBODY_LISTENS))
    heartbeat.beat()
    assert heartbeat.last() is None


def hinted(cluster, sent, capture, action) -> bool:
    """Whether the action hints a cycle of the cluster."""
    all_of(wakeups)
    with capture(execute=True):
        action()
    return cluster.pk in all_of(wakeups)


def test_what_may_let_somebody_start_hints_a_cycle(alice, cluster, sent, django_capture_on_commit_callbacks):
    def hints_a_cycle(action):
        return hinted(cluster, sent, django_capture_on_commit_callbacks, action)

    running = submit(cluster, 8)
    run(running)
    high = submit(cluster, 8, HIGH)
    assert not hints_a_cycle(
        lambda: run_cycle(cluster_ids=[cluster.pk])
    )  # a new seat: its victim stops first
    assert hints_a_cycle(lambda: look(cluster))  # the victim is gone
    assert not hints_a_cycle(lambda: run_cycle(cluster_ids=[cluster.pk]))
    look(cluster)
    assert now_is(high)[0] == "running"
    assert hints_a_cycle(lambda: exits(high, 0))
    assert hints_a_cycle(lambda: cancel_deployment(actor=alice, deployment_id=running.pk))


def test_a_new_seat_that_fits_what_is_free_already_hints_a_cycle(
    cluster, sent, django_capture_on_commit_callbacks
):
    run(submit(cluster, 2, LOW))
    run(submit(cluster, 3, LOW))
    submit(cluster, 5, HIGH)
    run_cycle(cluster_ids=[cluster.pk])
    second = submit(cluster, 2, HIGH)
    assert hinted(
        cluster, sent, django_capture_on_commit_callbacks, lambda: run_cycle(cluster_ids=[cluster.pk])
    )
    assert now_is(second) == ("pending", "waiting_for_eviction")
    run_cycle(cluster_ids=[cluster.pk])
    assert now_is(second)[0] == "starting"


def test_an_end_hints_the_clusters_where_dependents_wait(
    lab, cluster, sent, django_capture_on_commit_callbacks
):
    other = ClusterFactory(organization=lab)
    first, second = submit(cluster, 1), submit(other, 1)
    second.dependency_rows.create(depends_on=first)
    run(first)
    assert hinted(other, sent, django_capture_on_commit_callbacks, lambda: exits(first, 0))


def test_a_batch_with_one_bad_plan_still_plans_the_others(lab, monkeypatch, sent):
    clusters = ClusterFactory.create_batch(3, organization=lab)
    ids = [cluster.pk for cluster in clusters]
    planned = []

    def cycle(*, cluster_ids):
        if ids[1] in cluster_ids:
            raise InvariantBroken
        planned.extend(cluster_ids)
        return CycleResult(plan=None)

    monkeypatch.setattr(tasks, "run_cycle", cycle)
    tasks.run_cycles(ids)
    assert planned == [ids[0], ids[2]]


def test_a_cluster_that_is_quiet_is_looked_at_once_in_a_rotation_and_a_deleted_one_never(lab, sent):
    quiet = ClusterFactory(organization=lab)
    deleted = ClusterFactory(organization=lab, deleted_at="2026-01-01T00:00:00Z", missed_observations=9)
    busy = ClusterFactory(organization=lab)
    in_state(busy, Status.RUNNING)
    looked = []
    for _ in range(reconciling.QUIET_ROTATION):
        reconciling.reconcile_all()
        looked += all_of(reconciling.wakeups)
    assert looked.count(quiet.pk) == 1
    assert looked.count(busy.pk) == reconciling.QUIET_ROTATION
    assert deleted.pk not in looked
