"""A cycle on the database: its order, its accounts, what it writes and with how many statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment, DeploymentEvent
from deployments.services.booking import OverBooked, StalePlan
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import exits, in_state, look, now_is
from scheduling.models import Cycle
from scheduling.services import run_cycle, start_deployment
from scheduling.tests.cycles import HIGH, LOW, MEDIUM, counts, cycle, submit

pytestmark = pytest.mark.usefixtures("only_legal_moves")


def test_the_queue_is_priority_then_age_then_id(cluster):
    at = timezone.now()
    last_one = submit(cluster, 8, MEDIUM, queued_at=at)
    second = submit(cluster, 8, MEDIUM, queued_at=at - timedelta(seconds=1))
    third = submit(cluster, 8, MEDIUM, queued_at=at)
    first = submit(cluster, 8, HIGH, queued_at=at)
    started = []
    for _ in range(4):
        cycle(cluster)
        (one,) = Deployment.objects.filter(status=Status.STARTING)
        started.append(one.pk)
        look(cluster)
        exits(one, 0)
    assert started == [first.pk, second.pk, last_one.pk, third.pk]


def test_a_seat_is_counted_as_scheduled_once_and_its_start_not_again(cluster, full):
    submit(cluster, 4, HIGH)
    cycle(cluster)
    assert counts(cluster)[0] == 1
    look(cluster)
    cycle(cluster)
    assert counts(cluster) == (0, 0, 1, 0)


def test_cycles_say_the_same_as_the_events(cluster, full):
    for priority in (HIGH, LOW, MEDIUM, HIGH):
        submit(cluster, 3, priority)
    for _ in range(6):
        cycle(cluster)
        look(cluster)
    cycles = Cycle.objects.filter(cluster=cluster)
    events = DeploymentEvent.objects.filter(deployment__cluster=cluster)
    scheduled, seated = events.filter(kind="scheduled").count(), events.filter(kind="seat_granted").count()
    from_seats = sum(
        1
        for event in events.filter(kind="scheduled")
        if events.filter(kind="seat_granted", deployment=event.deployment_id, pk__lt=event.pk).exists()
    )
    assert sum(cycles.values_list("scheduled", flat=True)) == scheduled + seated - from_seats
    assert sum(cycles.values_list("preempted", flat=True)) == events.filter(kind="preempted").count()


def test_a_cycle_that_changes_nothing_writes_nothing(cluster, full):
    submit(cluster, 4)
    cycle(cluster)
    cycles = Cycle.objects.count()
    with CaptureQueriesContext(connection) as queries:
        run_cycle(cluster_ids=[cluster.pk])
    statements = [query["sql"].removeprefix("COPY (").split()[0] for query in queries]
    assert set(statements) <= {"SAVEPOINT", "SELECT", "WITH", "RELEASE"}
    assert not [query["sql"] for query in queries if " SET " in query["sql"] or "INSERT" in query["sql"]]
    assert Cycle.objects.count() == cycles


def test_a_reason_is_written_only_when_it_changes(cluster, full):
    waiting = submit(cluster, 4)
    cycle(cluster)
    assert counts(cluster) == (0, 0, 1, 0)
    late = submit(cluster, 4)
    with CaptureQueriesContext(connection) as queries:
        run_cycle(cluster_ids=[cluster.pk])
    (written,) = [query["sql"] for query in queries if "SET reason" in query["sql"]]
    assert f"'{{{late.pk}}}'" in written or f"[{late.pk}]" in written
    assert now_is(waiting)[1] == now_is(late)[1] == "insufficient_capacity"


def test_books_that_are_wrong_never_become_more_than_the_cluster_has(cluster):
    one = submit(cluster, 4)
    Cluster.objects.filter(pk=cluster.pk).update(allocated_gpu=5000)
    with pytest.raises(OverBooked):
        run_cycle(cluster_ids=[cluster.pk])
    assert now_is(one) == ("pending", None)


def test_start_is_an_ordinary_cycle_never_ahead_of_the_queue(alice, cluster):
    first, second = submit(cluster, 8, HIGH), submit(cluster, 8)
    start_deployment(actor=alice, deployment_id=second.pk)
    assert (now_is(first)[0], now_is(second)[0]) == ("starting", "pending")


def test_start_of_one_that_has_ended_queues_it_anew(alice, cluster):
    ended = in_state(cluster, Status.FAILED)
    start_deployment(actor=alice, deployment_id=ended.pk)
    assert now_is(ended)[0] == "pending"


@pytest.mark.parametrize("problem", [StalePlan, OverBooked])
def test_start_answers_even_when_the_cycle_could_not_be_booked(problem, alice, cluster, monkeypatch):
    def fails(*_):
        raise problem

    one = submit(cluster, 1)
    monkeypatch.setattr("scheduling.services.apply", fails)
    start_deployment(actor=alice, deployment_id=one.pk)
    assert now_is(one) == ("pending", None)


def test_the_number_of_statements_does_not_depend_on_the_number_of_deployments(alice, lab):
    """Each cycle here starts, evicts, grants seats and writes reasons, ten or two hundred of each, in two clusters."""

    def statements(number: int) -> int:
        clusters = ClusterFactory.create_batch(2, organization=lab, gpu=8)
        ids = [cluster.pk for cluster in clusters]

        def submit_to_all(**asked) -> None:
            asked |= {"cpu": 0, "ram": 0, "created_by": alice}
            for cluster in clusters:
                Deployment.objects.bulk_create(
                    DeploymentFactory.build_batch(number, cluster=cluster, **asked)
                )

        submit_to_all(gpu=8 / number, priority=LOW)
        run_cycle(cluster_ids=ids)
        for asked in ({"gpu": 0}, {"gpu": 8 / number, "priority": HIGH}, {"gpu": 8}):
            submit_to_all(**asked)
        with CaptureQueriesContext(connection) as queries:
            run_cycle(cluster_ids=ids)
        for kind in ("scheduled", "preempted", "seat_granted"):
            events = DeploymentEvent.objects.filter(kind=kind, deployment__cluster__in=ids)
            assert events.count() >= 2 * number
        return len(queries)

    assert statements(10) == statements(200)
