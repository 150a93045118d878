"""Beat's scheduler, which shows that it still turns."""

from django_celery_beat.schedulers import DatabaseScheduler

from hypervisor import liveness


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # beat ships no types
    """The schedule in the database, as the console edits it."""

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due. Answers the seconds until the next turn, CELERY_BEAT_MAX_LOOP_INTERVAL at most."""
        pause: float = super().tick(*args, **kwargs)
        liveness.touch()
        return pause
