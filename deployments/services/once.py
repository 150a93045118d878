"""Submitting once, however often it is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.errors import Conflict
from accounts.models import User
from deployments.models import SubmitKey

KEPT = timedelta(days=7)
ANOTHER_BODY = (
    "This Idempotency-Key was used for something else. Send the same body as then, or a key that is new."
)


@dataclass(frozen=True, slots=True)
class Once:
    """A client's key, and a fingerprint of what it is for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """`again`: an earlier call with the same key made them."""

    deployment_ids: list[int]
    again: bool


def submit_once(*, actor: User, once: Once | None, submit: Callable[[], list[int]]) -> Submitted:
    """What `submit` makes, in order; or what it made when the actor first used this key.

    Who sends it again while the first is under way waits for that one. A refusal uses up no key.
    Raises Conflict for a key that was for something else, and whatever `submit` raises.
    """
    if once is None:
        return Submitted(submit(), again=False)
    with transaction.atomic():
        # Before any other lock: two that send the same never wait for each other in a circle.
        taken, is_new = SubmitKey.objects.get_or_create(
            user_id=actor.pk, key=once.key, defaults={"fingerprint": once.fingerprint}
        )
        if is_new:
            taken.deployment_ids = submit()
            taken.save(update_fields=["deployment_ids"])
    if taken.fingerprint != once.fingerprint:
        raise Conflict(ANOTHER_BODY)
    return Submitted(taken.deployment_ids, again=not is_new)


def delete_old_keys() -> int:
    """Forget keys older than KEPT. Answers how many."""
    deleted, _ = SubmitKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted
