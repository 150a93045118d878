"""The scheduler's button, its cycles, and beat's schedule in the console."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import AuditEntry
from clusters.models import Cluster
from deployments.admin import wording
from deployments.models import Deployment
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from scheduling.beat import seed_schedule
from scheduling.core.reasons import Reason
from scheduling.models import Cycle

LIST = "admin:clusters_cluster_changelist"


def said(answer):
    return " ".join(map(str, get_messages(answer.wsgi_request)))


def run_now(console, *clusters):
    return console.post(
        reverse(LIST), {"action": "run-scheduler", "_selected_action": [row.pk for row in clusters]}
    )


def test_the_button_runs_a_cycle_and_tells_its_figures(console, cluster, operator):
    fits, too_much = DeploymentFactory(cluster=cluster, gpu=6), DeploymentFactory(cluster=cluster, gpu=4)
    told = said(run_now(console, cluster))
    assert "1 scheduled, 0 preempted, 1 unschedulable" in told
    assert Deployment.objects.get(pk=fits.pk).status == Status.STARTING
    assert Deployment.objects.get(pk=too_much.pk).status == Status.PENDING
    assert Cycle.objects.get().scheduled == 1
    entry = AuditEntry.objects.get(action="cluster.cycle_run")
    assert (entry.actor, entry.detail["scheduled"]) == (operator, 1)


def test_a_paused_cluster_starts_nothing_for_an_operator_either(console, cluster):
    cluster.paused = True
    cluster.save()
    waiting = DeploymentFactory(cluster=cluster)
    assert "0 scheduled" in said(run_now(console, cluster))
    assert Deployment.objects.get(pk=waiting.pk).status == Status.PENDING


def test_where_the_books_are_wrong_the_button_says_so(console, cluster):
    DeploymentFactory(cluster=cluster, gpu=4)
    Cluster.objects.filter(pk=cluster.pk).update(allocated_gpu=5000)
    assert "would hold more than they have" in said(run_now(console, cluster))


@pytest.mark.django_db(transaction=True)
def test_a_cluster_that_somebody_else_plans_is_refused_with_the_reason(console, cluster):
    with connection.copy().cursor() as other:
        other.execute("BEGIN")
        other.execute("SELECT id FROM clusters_cluster WHERE id = %s FOR NO KEY UPDATE", [cluster.pk])
        told = said(run_now(console, cluster))
        other.execute("ROLLBACK")
        other.connection.close()
    assert "Another cycle is at work here" in told
    assert not AuditEntry.objects.filter(action="cluster.cycle_run").exists()


def test_a_cluster_page_lists_its_cycles(console, cluster):
    DeploymentFactory(cluster=cluster)
    run_now(console, cluster)
    panels = console.get(reverse("admin:clusters_cluster_change", args=[cluster.pk])).context["panels"]
    assert len(next(panel for panel in panels if "Cycles" in panel.title).rows) == 1


def test_every_reason_has_words():
    assert {reason.value for reason in Reason} <= wording.REASONS.keys()


def task_form(task, **changes):
    fields = {
        "name": task.name,
        "task": task.task,
        "regtask": "",
        "enabled": "on",
        "interval": task.interval_id,
    }
    fields |= {"args": "[]", "kwargs": "{}", "headers": "{}", "expire_seconds": "10", "description": ""}
    return fields | changes


def test_an_edited_interval_stays_when_beat_starts_again(console, operator):
    seed_schedule()
    task = PeriodicTask.objects.get(name="scheduling.sweep")
    slower = IntervalSchedule.objects.create(every=30, period=IntervalSchedule.SECONDS)
    page = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    assert console.post(page, task_form(task, interval=slower.pk)).status_code == 302
    seed_schedule()
    task.refresh_from_db()
    assert task.interval == slower
    entry = AuditEntry.objects.get(action="periodictask.changed")
    assert (entry.actor, entry.detail["new"]["interval"]) == (operator, "every 30 seconds")


def test_the_seeded_tasks_cannot_be_deleted_but_disabled(console):
    seed_schedule()
    task = PeriodicTask.objects.get(name="scheduling.sweep")
    delete = reverse("admin:django_celery_beat_periodictask_delete", args=[task.pk])
    assert console.post(delete, {"post": "yes"}).status_code == 403
    answer = console.post(
        reverse("admin:django_celery_beat_periodictask_changelist"),
        {"action": "disable_tasks", "_selected_action": [task.pk]},
    )
    assert answer.status_code == 302
    task.refresh_from_db()
    assert not task.enabled
    assert AuditEntry.objects.filter(
        action="periodictask.disable_tasks", target=f"periodictask:{task.pk}"
    ).exists()


def test_an_interval_in_use_cannot_be_deleted(console):
    seed_schedule()
    used = PeriodicTask.objects.get(name="scheduling.sweep").interval
    delete = reverse("admin:django_celery_beat_intervalschedule_delete", args=[used.pk])
    assert console.post(delete, {"post": "yes"}).status_code == 403
    unused = IntervalSchedule.objects.create(every=77, period=IntervalSchedule.SECONDS)
    delete = reverse("admin:django_celery_beat_intervalschedule_delete", args=[unused.pk])
    assert console.post(delete, {"post": "yes"}).status_code == 302
    assert AuditEntry.objects.filter(action="intervalschedule.deleted").exists()


def test_intervals_that_an_operator_made_alike_do_not_stop_the_seeding(console, settings):
    seed_schedule()
    for interval in IntervalSchedule.objects.all():
        console.post(
            reverse("admin:django_celery_beat_intervalschedule_change", args=[interval.pk]),
            {
                "every": "9", "period": "seconds", "periodictask_set-TOTAL_FORMS": "0",
                "periodictask_set-INITIAL_FORMS": "0",
            },
        )  # fmt: skip
    assert IntervalSchedule.objects.filter(every=9).count() > 1
    settings.SCHEDULER_INTERVAL_SECONDS = 9
    seed_schedule()
    assert PeriodicTask.objects.get(name="scheduling.sweep").interval.every == 9


def test_seeded_intervals_are_read_only(console):
    assert console.get(reverse("admin:scheduling_seededinterval_add")).status_code == 403
