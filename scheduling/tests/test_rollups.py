"""The figures of minutes and hours say what runs, events and certificates say."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Run
from deployments.tests.factories import DeploymentFactory
from scheduling import rollups
from scheduling.models import ClusterHour, ClusterMinute, FleetHour, FleetMinute, UsageHour
from scheduling.rollup_sql import QUEUES, SUMS
from scheduling.tests.histories import expected, invent, overlap, pasts
from scheduling.wait_histogram import PLACES, added

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SINCE = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NOW = SINCE + 2 * HOUR + timedelta(minutes=7, seconds=25)


@pytest.fixture
def clusters(lab):
    made = [*ClusterFactory.create_batch(2, organization=lab), ClusterFactory()]
    Cluster.objects.update(created_at=SINCE)
    return made


@pytest.fixture
def users(alice, bob):
    return [alice, bob, None]


def values(row, without) -> dict:
    return {name: getattr(row, name) for name in (*SUMS, *QUEUES, "waits") if name not in without}


def nearly(rows: list) -> list:
    """The same rows; sums of fractions may differ in their last digit by the order of what was added."""
    return [
        (*row[:3], {name: pytest.approx(value) for name, value in row[3].items()})
        if isinstance(row[3], dict)
        else (*row[:4], pytest.approx(row[4]))
        for row in rows
    ]


def used_before(hour) -> list:
    columns = ("hour", "organization", "user", "priority", "gpu_seconds")
    rows = UsageHour.objects.filter(hour__lt=hour).values_list(*columns)
    return sorted(
        ((*row[:4], pytest.approx(row[4])) for row in rows),
        key=lambda row: str(row[:4]),
    )


def everything(without=()) -> list:
    rows = [
        (model.__name__, row.at, getattr(row, "cluster_id", None), values(row, without))
        for model in (ClusterMinute, ClusterHour, FleetMinute, FleetHour)
        for row in model.objects.order_by("pk")
    ]
    usage = UsageHour.objects.values_list("hour", "organization", "user", "priority", "gpu_seconds")
    return [*sorted(rows, key=lambda row: str(row[:3])), *sorted(usage, key=str)]


@pytest.mark.parametrize("seed", range(4))
def test_each_minute_says_what_runs_and_certificates_say(clusters, users, seed):
    invent(Random(seed), clusters, users, SINCE, 127)
    assert rollups.roll_up(now=NOW) == 127
    assert ClusterMinute.objects.count() == 127 * 3
    past = pasts()
    for row in ClusterMinute.objects.select_related("cluster"):
        told = expected(row.cluster_id, past[row.cluster_id], row.at)
        for name in (*SUMS[3:], "waits"):
            assert getattr(row, name) == pytest.approx(told.get(name, 0), rel=1e-9, abs=1e-6), name
        assert row.total_gpu_seconds == 60 * row.cluster.total_gpu / 1000


@pytest.mark.parametrize("seed", range(3))
def test_minutes_add_up_to_hours_and_clusters_to_the_fleet(clusters, users, seed):
    invent(Random(seed), clusters, users, SINCE, 127)
    rollups.roll_up(now=NOW)
    assert ClusterHour.objects.count() == 2 * 3
    assert FleetHour.objects.count() == 2
    past = pasts()
    for row in ClusterHour.objects.all():
        told = expected(row.cluster_id, past[row.cluster_id], row.at, HOUR)
        for name in (*SUMS[3:], "waits"):
            assert getattr(row, name) == pytest.approx(told.get(name, 0), rel=1e-9, abs=1e-6), name
    for whole, parts in ((FleetHour, ClusterHour), (FleetMinute, ClusterMinute)):
        for row in whole.objects.all():
            those = list(parts.objects.filter(at=row.at))
            for name in SUMS:
                assert getattr(row, name) == pytest.approx(sum(getattr(one, name) for one in those)), name
            assert row.waits in ([], added(one.waits for one in those))
            assert sum(row.waits) == row.starts


@pytest.mark.parametrize("seed", range(3))
def test_usage_adds_up_to_what_runs_held_by_user(clusters, users, seed):
    invent(Random(seed), clusters, users, SINCE, 127)
    rollups.roll_up(now=NOW)
    told, wanted = defaultdict(float), defaultdict(float)
    for row in UsageHour.objects.all():
        told[row.organization_id, row.user_id, row.priority, row.hour] += row.gpu_seconds
    over = rollups.minute_of(NOW - rollups.SETTLED)
    for run in Run.objects.select_related("deployment"):
        for hour in (SINCE + index * HOUR for index in range(3)):
            if seconds := overlap(run, hour, min(hour + HOUR, over)):
                key = (run.organization_id, run.deployment.created_by_id, run.priority, hour)
                wanted[key] += run.allocations.get().gpu / 1000 * seconds
    assert set(wanted) == set(told)
    assert told == pytest.approx(wanted)


def test_doing_it_once_more_writes_the_same(clusters, users):
    invent(Random(5), clusters, users, SINCE, 127)
    rollups.roll_up(now=NOW)
    first = everything()
    assert rollups.roll_up(now=NOW) == 0
    # As after a crash between two minutes: the last ones are measured anew over what is there.
    FleetMinute.objects.filter(at__gte=NOW - 30 * MINUTE).delete()
    assert rollups.roll_up(now=NOW) > 0
    assert everything() == nearly(first)


def test_minute_by_minute_comes_to_the_same_as_all_at_once(clusters, users):
    invent(Random(7), clusters, users, SINCE, 127)
    DeploymentFactory(cluster=clusters[0])
    rollups.roll_up(now=NOW)
    at_once = everything(without=QUEUES)
    for model in (ClusterMinute, ClusterHour, FleetMinute, FleetHour, UsageHour):
        model.objects.all().delete()
    for index in range(1, 127):
        rollups.roll_up(now=SINCE + index * MINUTE + rollups.SETTLED)
    rollups.roll_up(now=NOW)

    # The queue was looked at in each minute here, and there in the last alone.
    assert everything(without=QUEUES) == nearly(at_once)


def test_it_takes_a_fixed_number_of_statements(clusters, users):
    def statements(now) -> int:
        with CaptureQueriesContext(connection) as captured:
            rollups.roll_up(now=now)
        return len(captured)

    rollups.roll_up(now=SINCE + MINUTE + rollups.SETTLED)
    few = statements(SINCE + 2 * MINUTE + rollups.SETTLED)
    invent(Random(1), clusters, users, SINCE, 50)
    ClusterFactory.create_batch(5)
    assert statements(SINCE + 50 * MINUTE + rollups.SETTLED) == few


def test_a_minute_keeps_the_queue_that_was_seen_first(clusters):
    now = SINCE + 3 * MINUTE + rollups.SETTLED
    DeploymentFactory(cluster=clusters[0], priority=3)
    rollups.roll_up(now=now)
    DeploymentFactory(cluster=clusters[0], priority=3)
    rollups.roll_up(now=now + MINUTE)
    queues = ClusterMinute.objects.filter(cluster=clusters[0]).order_by("at")
    # Nobody looked in the two minutes that were late.
    assert list(queues.values_list("queue_high", flat=True)) == [None, None, 1, 2]
    assert list(FleetMinute.objects.order_by("at").values_list("queue_low", flat=True)) == [None, None, 0, 0]


def test_a_minute_keeps_the_size_that_the_cluster_had(clusters):
    now = SINCE + MINUTE + rollups.SETTLED
    rollups.roll_up(now=now)
    Cluster.objects.filter(pk=clusters[0].pk).update(total_gpu=2000)
    rollups.roll_up(now=now + MINUTE)
    sizes = ClusterMinute.objects.filter(cluster=clusters[0]).order_by("at")
    assert list(sizes.values_list("total_gpu_seconds", flat=True)) == [8 * 60, 2 * 60]


def test_what_was_committed_late_is_in_its_minute_after_all(clusters):
    rollups.roll_up(now=SINCE + MINUTE + rollups.SETTLED)
    one = DeploymentFactory(cluster=clusters[0])
    Run.objects.create(
        deployment=one, organization=one.organization, cluster=one.cluster, priority=2,
        booked_at=SINCE + timedelta(seconds=59),
    )  # fmt: skip
    rollups.roll_up(now=SINCE + 2 * MINUTE + rollups.SETTLED)
    assert ClusterMinute.objects.get(cluster=clusters[0], at=SINCE).starts == 1


def test_time_goes_on_where_no_cluster_is_left(clusters):
    Cluster.objects.update(deleted_at=SINCE)
    assert rollups.roll_up(now=NOW) == 127
    assert not ClusterMinute.objects.exists()
    assert rollups.roll_up(now=NOW) == 0


def test_without_any_cluster_nothing_is_written(db):
    assert rollups.roll_up(now=NOW) == 0
    assert not FleetMinute.objects.exists()


def test_after_a_long_silence_no_more_than_two_days_are_made_up_for(clusters):
    rollups.roll_up(now=SINCE + MINUTE + rollups.SETTLED)
    rollups.roll_up(now=SINCE + timedelta(days=9))
    assert ClusterMinute.objects.exclude(at=SINCE).earliest("at").at == SINCE + timedelta(days=7) + HOUR


@pytest.mark.parametrize("is_new", [True, False], ids=["never counted before", "after a long silence"])
def test_what_was_used_is_made_up_for_however_long_ago(is_new, clusters, users):
    if not is_new:
        rollups.roll_up(now=NOW)
    late = SINCE + timedelta(days=3)
    invent(Random(4), clusters, users, late, 127)
    rollups.roll_up(now=late + timedelta(days=30))
    much_later = used_before(late + 2 * HOUR)
    UsageHour.objects.all().delete()
    FleetMinute.objects.all().delete()
    rollups.roll_up(now=late + 2 * HOUR + timedelta(minutes=7, seconds=25))
    assert len(much_later) > 10
    assert much_later == used_before(late + 2 * HOUR)


def test_old_minutes_go_and_hours_stay(clusters, users):
    invent(Random(3), clusters, users, SINCE, 127)
    rollups.roll_up(now=NOW)
    rollups.prune(now=NOW + timedelta(days=3))
    assert not ClusterMinute.objects.exists()
    assert not FleetMinute.objects.exists()
    assert (ClusterHour.objects.count(), FleetHour.objects.count()) == (6, 2)
    assert UsageHour.objects.exists()
    rollups.prune(now=NOW + timedelta(days=401))
    assert not ClusterHour.objects.exists()
    assert not FleetHour.objects.exists()
    assert not UsageHour.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_wait_for_each_other(clusters):
    with connection.copy().cursor() as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(%s)", [rollups.LOCK])
        assert rollups.roll_up(now=NOW) == 0
        other.execute("ROLLBACK")
        other.connection.close()
    assert rollups.roll_up(now=NOW) == 127


def test_a_histogram_has_a_count_for_each_priority_and_bucket(clusters, users):
    invent(Random(2), clusters, users, SINCE, 127)
    rollups.roll_up(now=NOW)
    lengths = {len(waits) for waits in ClusterMinute.objects.values_list("waits", flat=True)}
    assert lengths == {0, PLACES}
