"""Beat's schedule: the environment seeds it, the operator keeps it."""

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from deployments.tests.racing import race
from scheduling.beat import seed_schedule

pytestmark = pytest.mark.django_db
BOTH = {"scheduling.sweep": 5, "deployments.reconcile_all": 2}


@pytest.fixture(autouse=True)
def environment(settings):
    settings.SCHEDULER_INTERVAL_SECONDS, settings.SCHEDULER_INTERVAL = BOTH.values()


def intervals() -> dict[str, int]:
    """Task → seconds, as beat would read it."""
    return {
        task.task: task.interval.every
        for task in PeriodicTask.objects.filter(name__in=BOTH, enabled=True)
        if task.interval.period == IntervalSchedule.SECONDS
    }


def edit(seconds: int) -> None:
    """What an operator does in the console."""
    task = PeriodicTask.objects.get(name="scheduling.sweep")
    task.interval = IntervalSchedule.objects.create(every=seconds, period=IntervalSchedule.SECONDS)
    task.save()


def test_both_tasks_are_there_once_beat_has_started_with_the_environments_intervals():
    seed_schedule()
    seed_schedule()
    assert intervals() == BOTH
    assert PeriodicTask.objects.filter(task__in=BOTH).count() == 2


def test_a_task_nobody_picked_up_in_its_interval_is_dropped():
    seed_schedule()
    assert PeriodicTask.objects.get(name="scheduling.sweep").expire_seconds == 5


def test_an_operators_edit_stays_over_restarts():
    seed_schedule()
    edit(60)
    seed_schedule()
    assert intervals() == BOTH | {"scheduling.sweep": 60}


def test_a_changed_environment_value_is_applied_once(settings):
    seed_schedule()
    edit(60)
    settings.SCHEDULER_INTERVAL_SECONDS = 7
    seed_schedule()
    assert intervals() == BOTH | {"scheduling.sweep": 7}
    edit(90)
    seed_schedule()
    assert intervals() == BOTH | {"scheduling.sweep": 90}


def test_a_changed_environment_value_replaces_a_crontab(settings):
    seed_schedule()
    every_hour = CrontabSchedule.objects.create(minute="0")
    PeriodicTask.objects.filter(name="scheduling.sweep").update(interval=None, crontab=every_hour)
    settings.SCHEDULER_INTERVAL_SECONDS = 7
    seed_schedule()
    task = PeriodicTask.objects.get(name="scheduling.sweep")
    assert (task.interval.every, task.crontab) == (7, None)


def test_a_task_that_an_operator_switched_off_stays_off():
    seed_schedule()
    PeriodicTask.objects.filter(name="scheduling.sweep").update(enabled=False)
    seed_schedule()
    assert "scheduling.sweep" not in intervals()


def test_a_task_that_was_deleted_comes_back():
    seed_schedule()
    PeriodicTask.objects.filter(name="scheduling.sweep").delete()
    seed_schedule()
    assert intervals() == BOTH


def test_an_interval_that_is_there_twice_does_no_harm():
    for _ in range(2):
        IntervalSchedule.objects.create(every=5, period=IntervalSchedule.SECONDS)
    seed_schedule()
    assert intervals() == BOTH


@pytest.mark.django_db(transaction=True)
def test_two_beats_that_start_at_once_seed_it_once():
    assert race(seed_schedule, seed_schedule) == [None, None]
    assert intervals() == BOTH
