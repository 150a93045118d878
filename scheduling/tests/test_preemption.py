"""The eviction's handshake and the life of a seat, on the database and the simulated engine."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Conflict
from clusters.models import Cluster
from clusters.services import change_cluster
from deployments.books import differences_between_books_and_runs
from deployments.models import Outcome, Run
from deployments.services.booking import StalePlan
from deployments.services.change import change_deployment
from deployments.services.steer import cancel_deployment, stop_deployment
from deployments.tests.lives import engine_of, evict, exits, kinds, last, live, look, now_is
from scheduling.tests.cycles import HIGH, LOW, counts, cycle, lose_engine, pause, submit

pytestmark = pytest.mark.usefixtures("only_legal_moves")


def test_preemption_is_a_handshake_from_seat_to_start(cluster, full):
    victim, other = full
    queued_at = victim.queued_at
    engine_of(cluster).slow(stop_seconds=60)
    high = submit(cluster, 2, HIGH)

    cycle(cluster)
    assert counts(cluster) == (1, 1, 0, 0)
    assert now_is(high) == ("pending", "waiting_for_eviction")
    assert high.seat_granted_at is not None
    assert (now_is(victim)[0], now_is(other)[0]) == ("stopping", "running")
    cluster.refresh_from_db()
    assert cluster.allocated_gpu == 8000

    look(cluster)
    cycle(cluster)
    assert now_is(high) == ("pending", "waiting_for_eviction")
    assert Run.objects.filter(stop_cause="preemption").count() == 1

    engine_of(cluster).wind_clock(60)
    look(cluster)
    assert now_is(victim)[0] == "pending"
    assert (victim.queued_at, victim.preemption_count) == (queued_at, 1)
    assert (last(victim).outcome, last(victim).preempted_by) == (Outcome.PREEMPTED, high)

    cycle(cluster)
    look(cluster)
    assert now_is(high) == ("running", None)
    assert high.seat_granted_at is None
    assert now_is(victim) == ("pending", "insufficient_capacity")
    assert kinds(high) == ["seat_granted", "scheduled", "running"]

    exits(high, 0)
    cycle(cluster)
    look(cluster)
    assert now_is(victim)[0] == "running"
    assert now_is(other)[0] == "running"
    assert differences_between_books_and_runs() == []


def test_another_high_one_uses_room_that_is_being_freed_instead_of_a_second_eviction(cluster, full):
    engine_of(cluster).slow(stop_seconds=60)
    submit(cluster, 2, HIGH)
    cycle(cluster)
    second = submit(cluster, 2, HIGH)
    cycle(cluster)
    assert now_is(second) == ("pending", "waiting_for_eviction")
    assert Run.objects.filter(stop_cause="preemption").count() == 1


def test_nobody_else_takes_the_room_that_a_seat_waits_for(cluster, full):
    high = submit(cluster, 4, HIGH)
    cycle(cluster)
    look(cluster)
    late = submit(cluster, 4, HIGH, queued_at=timezone.now() - timedelta(days=9))
    cycle(cluster)
    assert now_is(high)[0] == "starting"
    assert now_is(late)[0] == "pending"


def test_a_users_stop_during_an_eviction_wins_and_the_seat_is_still_served(alice, cluster, full):
    victim, _ = full
    high = submit(cluster, 4, HIGH)
    cycle(cluster)
    stop_deployment(actor=alice, deployment_id=victim.pk)
    look(cluster)
    cycle(cluster)
    assert (now_is(victim)[0], now_is(high)[0]) == ("completed", "starting")


def cancel(alice, high):
    cancel_deployment(actor=alice, deployment_id=high.pk)


def edit(alice, high):
    change_deployment(actor=alice, deployment=high, changes={"required_gpu": 5000})


def lower(alice, high):
    change_deployment(actor=alice, deployment=high, changes={"priority": LOW})


@pytest.mark.parametrize("ending", [cancel, edit, lower, pause, lose_engine])
def test_a_seat_ends(ending, alice, cluster, full):
    engine_of(cluster).slow(stop_seconds=60)
    high = submit(cluster, 4, HIGH)
    cycle(cluster)
    assert now_is(high) == ("pending", "waiting_for_eviction")
    granted = high.seat_granted_at
    ending(alice, high)
    cycle(cluster)
    high.refresh_from_db()
    assert high.seat_granted_at != granted


def test_a_seat_that_a_shrunken_engine_has_no_room_for_is_kept_with_a_victim_of_its_own(cluster, full):
    gone, other = full
    high = submit(cluster, 4, HIGH)
    cycle(cluster)
    look(cluster)
    assert (now_is(gone)[0], now_is(other)[0]) == ("pending", "running")
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=6000)

    cycle(cluster)
    assert now_is(high) == ("pending", "waiting_for_eviction")
    assert counts(cluster) == (0, 1, 2, 0)
    assert (now_is(other)[0], live(other).preempted_by) == ("stopping", high)
    look(cluster)
    cycle(cluster)
    assert now_is(high)[0] == "starting"
    assert kinds(high) == ["seat_granted", "scheduled"]


def test_a_seat_that_a_shrunken_engine_has_no_room_for_ends_where_nobody_can_be_evicted(alice, cluster, full):
    _, other = full
    high = submit(cluster, 4, HIGH)
    cycle(cluster)
    look(cluster)
    change_deployment(actor=alice, deployment=other, changes={"priority": HIGH})
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=6000)
    small = submit(cluster, 2, LOW)
    cycle(cluster)
    assert now_is(high) == ("pending", "insufficient_capacity")
    assert high.seat_granted_at is None
    assert kinds(high) == ["seat_granted", "seat_dropped"]
    assert now_is(small)[0] == "starting"


def test_nobody_is_evicted_for_one_that_was_cancelled_since_the_snapshot(alice, cluster, full):
    victim, _ = full
    high = submit(cluster, 4, HIGH)
    cancel_deployment(actor=alice, deployment_id=high.pk)
    with pytest.raises(StalePlan):
        evict(victim, high)
    assert now_is(victim)[0] == "running"


def test_a_shrink_below_what_is_held_or_promised_is_refused(alice, cluster, full):

    engine_of(cluster).slow(stop_seconds=60)
    submit(cluster, 4, HIGH)
    cycle(cluster)
    with pytest.raises(Conflict, match="8 GPUs are held or promised"):
        change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 7000})
    change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 9000})
