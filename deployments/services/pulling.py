"""Fetching the image of one run, told in its events, while everything else goes on."""

import time
from datetime import timedelta
from threading import BoundedSemaphore

import structlog
from django.conf import settings
from django.utils import timezone

from accounts import secrets
from clusters.drivers import driver_for
from clusters.locks import session_lock
from clusters.runtimes.base import RuntimeFailure
from deployments.models import Run
from deployments.reconcile import Delay
from deployments.reconciling import wakeups
from deployments.services import runs as books
from deployments.services.ends import Refusal, record_ends
from deployments.services.specs import container_spec
from deployments.states import Status
from deployments.verdicts import Failure, failure_of

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 8
"""Pulls of one worker: it must keep threads for the engines that have more to do than to fetch."""
FIRST_PAUSE_SECONDS = 5.0
_places = BoundedSemaphore(MOST_AT_ONCE)


def pull_image(*, run_id: int) -> None:
    """Fetch the image of a run that is starting, unless somebody is at it; then let the cluster be looked at.

    A registry's final no fails the run; anything else is tried again until START_TIMEOUT_SECONDS have passed since it
    was booked.
    """
    if not _places.acquire(blocking=False):
        return
    try:
        with session_lock(f"pull for run {run_id}") as nobody_else:
            run = _waiting(run_id) if nobody_else else None
            if run is not None:
                _pull(run)
                wakeups.send([run.cluster_id])
    finally:
        _places.release()


def _waiting(run_id: int) -> Run | None:
    found: Run | None = (
        Run.objects.filter(pk=run_id, outcome=None, image_ready_at=None, deployment__status=Status.STARTING)
        .select_related("cluster", "deployment")
        .prefetch_related("allocations")
        .first()
    )
    return found


class _Progress:
    """Tells how far a pull is, ever more seldom: an hour of it must not fill the story."""

    def __init__(self, run: Run) -> None:
        self._run, self._pause, self._next_at = run, FIRST_PAUSE_SECONDS, 0.0

    def __call__(self, progress: str) -> None:
        if time.monotonic() >= self._next_at:
            books.record_pull(run_id=self._run.pk, kind="image_pulling", progress=progress)
            self._next_at = time.monotonic() + self._pause
            self._pause *= 1.5


def _pull(run: Run) -> None:
    try:
        spec = container_spec(run, cluster=run.cluster)
        driver_for(run.cluster).pull(spec, _Progress(run))
    except secrets.UnreadableSecret as unreadable:
        _refuse(run, str(unreadable), Failure.START_REFUSED)
    except RuntimeFailure as failure:
        log.warning("pull_failed", run_id=run.pk, error=str(failure))
        late = timezone.now() >= run.booked_at + timedelta(seconds=settings.START_TIMEOUT_SECONDS)
        if failure.permanent or late:
            _refuse(run, str(failure), failure_of(failure.cause) or Failure.IMAGE_PULL_FAILED)
        else:
            delay = Delay(run.pk, failure.cause, str(failure))
            books.record_delays(cluster_id=run.cluster_id, delays=[delay])
    else:
        books.record_pull(run_id=run.pk, kind="image_pulled")
        books.record_images_ready(cluster_id=run.cluster_id, run_ids=[run.pk])


def _refuse(run: Run, detail: str, failure: Failure) -> None:
    record_ends(cluster_id=run.cluster_id, ends=[Refusal(run.pk, detail, failure)])
