"""Noting that a run has saved its work."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import User
from deployments.events import record_event
from deployments.services.locking import live_run, lock_deployment, require_status
from deployments.states import HOLDS_CAPACITY


@transaction.atomic
def report_checkpoint(*, actor: User, deployment_id: int, at: datetime | None = None) -> None:
    """Note that its live run had saved all its work at that moment; None: now. An older one than is known is ignored.

    The first report of a run is an event, the others only move `checkpointed_at`: a client that reports every second
    must not fill the story. Raises Conflict, and InvalidInput for a moment before the run's start or in the future.
    """
    deployment = lock_deployment(deployment_id=deployment_id)
    require_status(deployment, HOLDS_CAPACITY, "report a checkpoint")
    run, now = live_run(deployment), timezone.now()
    saved = at or max(now, run.booked_at)
    if at is not None and at > now:
        text = f"This moment has not come yet: here it is {now:%Y-%m-%dT%H:%M:%SZ}. Leave it out for now."
        raise InvalidInput({"at": text})
    if saved < run.booked_at:
        began = f"{run.booked_at:%Y-%m-%dT%H:%M:%SZ}"
        raise InvalidInput(
            {"at": f"Its run was started at {began}. Name a moment since then, or leave it out for now."}
        )
    if run.checkpointed_at is not None and saved <= run.checkpointed_at:
        return
    is_first = run.checkpointed_at is None
    run.checkpointed_at = saved
    run.save(update_fields=["checkpointed_at"])
    if is_first:
        record_event(deployment, "checkpoint", actor=actor, run=run, data={"at": saved.isoformat()})
