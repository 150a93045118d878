"""Beat's own tasks in the database: seeded from the environment, then the operator's."""

from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from clusters.tasks import CHECK_EVERY_SECONDS
from organizations.webhooks.outbox import SEND_EVERY_SECONDS, SEND_TASK
from scheduling.models import SeededInterval

HOURLY, DAILY = 3600, 86_400
ROLL_UP_EVERY_SECONDS = 30
"""Half a minute, so that a minute is written down soon after it is over."""


def seeds() -> dict[str, int]:
    """Task → seconds, as the environment says now."""
    return {
        "scheduling.sweep": settings.SCHEDULER_INTERVAL_SECONDS,
        "deployments.reconcile_all": settings.SCHEDULER_INTERVAL,
        "scheduling.roll_up": ROLL_UP_EVERY_SECONDS,
        "scheduling.prune_rollups": HOURLY,
        "clusters.check_all": CHECK_EVERY_SECONDS,
        SEND_TASK: SEND_EVERY_SECONDS,
        "organizations.prune_deliveries": DAILY,
        "accounts.delete_expired_refresh_families": DAILY,
        "accounts.delete_old_sign_ins": DAILY,
        "deployments.delete_old_keys": DAILY,
    }


@transaction.atomic
def seed_schedule() -> None:
    """Create what is missing, and apply an interval that changed in the environment once; an edit stays otherwise."""
    with connection.cursor() as cursor:
        # Two beats that start at once must not both find nothing.
        cursor.execute("LOCK TABLE scheduling_seededinterval IN EXCLUSIVE MODE")
    for task, seconds in seeds().items():
        seeded = SeededInterval.objects.filter(task=task).first()
        known = PeriodicTask.objects.filter(name=task).exists()
        if seeded and known and seeded.seconds == seconds:
            continue
        other_kinds = dict.fromkeys(("crontab", "solar", "clocked"))
        defaults: dict[str, Any] = {"task": task, "interval": _every(seconds), **other_kinds}
        defaults["expire_seconds"] = max(seconds, 5)
        # save() inside update_or_create tells a running beat that the schedule changed.
        PeriodicTask.objects.update_or_create(
            name=task,
            defaults=defaults,
            create_defaults=defaults | {"description": "Seeded from the environment."},
        )
        SeededInterval.objects.update_or_create(task=task, defaults={"seconds": seconds})


def _every(seconds: int) -> IntervalSchedule:
    # Not get_or_create: nothing keeps an operator from making the same interval twice.
    wanted = {"every": seconds, "period": IntervalSchedule.SECONDS}
    return IntervalSchedule.objects.filter(**wanted).first() or IntervalSchedule.objects.create(**wanted)
