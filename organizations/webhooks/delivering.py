"""Sending what is due: a webhook's messages one after the other, and no receiver holds up another.

They go in the order in which they were written, and wait behind one that failed. Younger ones overtake it only where a
person does not let them wait: by sending to it, or by another address.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts import secrets
from organizations.webhooks.models import DeliveryState, Webhook, WebhookDelivery
from organizations.webhooks.sending import Outcome, send
from organizations.webhooks.signing import signed_headers

log = structlog.get_logger(__name__)
BACKOFF_SECONDS = (10, 60, 300, 1800, 7200, 21_600)
"""After the first, the second… failure; a message that fails once more is given up."""
JITTER = 0.2
DISABLED_AFTER = timedelta(days=3)
"""Of nothing but failures."""
LEASE_SECONDS = 60
TURN_SECONDS = 20.0
"""So long one webhook is served before the next has its turn."""
MOST_AT_ONCE = 4
"""Webhooks that are served at the same time, by all workers: threads are left for the engines."""
TROUBLE_SECONDS = 60
"""So long a webhook waits after an error that is ours and no receiver's."""
KEPT_DAYS = 30
PRUNED_AT_ONCE = 10_000
GONE = 410
UNREADABLE = (
    "No key of ENCRYPTION_KEYS reads this webhook's secret, so nothing can be signed. Rotate the secret "
    "(POST …/rotate-secret), or ask the operator to put the key back that it was encrypted with."
)


def send_due() -> int:
    """Send until nothing is due, or all places are taken; answers how many attempts were made.

    An error in one webhook's turn ends that turn alone.
    """
    attempts = 0
    served: set[int] = set()
    while (webhook := _claim(served)) is not None:
        served.add(webhook.pk)
        with _released(webhook):
            try:
                attempts += _serve(webhook)
            except Exception:
                log.exception("webhook_turn_failed", webhook_id=webhook.pk)
                _set_aside(webhook)
    return attempts


def prune_deliveries() -> int:
    """Delete what is older than KEPT_DAYS; answers how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    deleted = 0
    while ids := list(old.order_by("created_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        deleted += WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
    return deleted


def due(now: datetime) -> Q:
    """Deliveries to be tried now."""
    return Q(state=DeliveryState.PENDING, next_attempt_at__lte=now)


@transaction.atomic
def _claim(served: set[int]) -> Webhook | None:
    """A webhook that has something due and nobody else sends to, for LEASE_SECONDS; those not served yet first."""
    now = timezone.now()
    if Webhook.objects.filter(leased_until__gt=now).count() >= MOST_AT_ONCE:
        return None
    waiting = WebhookDelivery.objects.filter(due(now), webhook=OuterRef("pk"))
    free = (
        Webhook.objects.filter(Exists(waiting), active=True, deleted_at=None, organization__deleted_at=None)
        .filter(Q(retry_at=None) | Q(retry_at__lte=now), Q(leased_until=None) | Q(leased_until__lte=now))
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
    )
    found: Webhook | None = free.exclude(pk__in=served).order_by("retry_at", "pk").first()
    found = found or free.order_by("pk").first()
    if found is not None:
        Webhook.objects.filter(pk=found.pk).update(leased_until=now + timedelta(seconds=LEASE_SECONDS))
    return found


@contextmanager
def _released(webhook: Webhook) -> Iterator[None]:
    try:
        yield
    finally:
        Webhook.objects.filter(pk=webhook.pk).update(leased_until=None)


def _set_aside(webhook: Webhook) -> None:
    # Or else it would be claimed again and again, before all others.
    retry_at = timezone.now() + timedelta(seconds=TROUBLE_SECONDS)
    Webhook.objects.filter(pk=webhook.pk).update(retry_at=retry_at)


def _serve(webhook: Webhook) -> int:
    """Send in order until nothing is due, one fails, or its turn is over; answers how many attempts."""
    until, attempts = time.monotonic() + TURN_SECONDS, 0
    while time.monotonic() < until:
        # Looked at anew each time: it may have been switched off or deleted, and its organization, too.
        now = timezone.now()
        live = {
            "webhook__active": True,
            "webhook__deleted_at": None,
            "webhook__organization__deleted_at": None,
        }
        delivery: WebhookDelivery | None = (
            webhook.deliveries.filter(due(now), **live).select_related("webhook").order_by("pk").first()
        )
        if delivery is None:
            break
        # One attempt takes less than the lease. A worker that dies in it may have sent: it is sent once more then.
        Webhook.objects.filter(pk=webhook.pk).update(leased_until=now + timedelta(seconds=LEASE_SECONDS))
        outcome = _attempt(delivery)
        attempts += 1
        if not record_outcome(delivery, outcome):
            break
    return attempts


def _attempt(delivery: WebhookDelivery) -> Outcome:
    webhook, body = delivery.webhook, delivery.body.encode()
    try:
        signers = _signers(webhook)
    except secrets.UnreadableSecret:
        return Outcome(status=None, error=UNREADABLE, milliseconds=0)
    headers = signed_headers(
        signers=signers,
        message_id=str(delivery.message_id),
        timestamp=int(time.time()),
        body=body,
    )
    return send(url=webhook.url, headers=headers, body=body)


def _signers(webhook: Webhook) -> list[str]:
    """The secrets that sign now, the newest first. Raises UnreadableSecret."""
    signers = [secrets.decrypt(webhook.secret)]
    if webhook.old_secret_until is not None and webhook.old_secret_until > timezone.now():
        # One that cannot be read is why many a secret is rotated: the new one must not fail with it.
        with suppress(secrets.UnreadableSecret):
            signers.append(secrets.decrypt(webhook.old_secret))
    return signers


@transaction.atomic
def record_outcome(delivery: WebhookDelivery, outcome: Outcome) -> bool:
    """Write what became of an attempt, and when the next is; answers whether the receiver took it."""
    now, attempts = timezone.now(), delivery.attempts + 1
    webhook = Webhook.objects.select_for_update(no_key=True, of=("self",)).get(pk=delivery.webhook_id)
    # One time for both: a webhook that is due before what failed would send younger messages first.
    retry_at = now + _pause(max(attempts, webhook.failures + 1))
    changed = {
        "attempts": attempts,
        "attempted_at": now,
        "response_status": outcome.status,
        "duration_ms": outcome.milliseconds,
        "error": outcome.error[:500],
        "state": DeliveryState.DELIVERED,
        "next_attempt_at": None,
    }
    if outcome.is_good:
        _note_success(webhook)
    elif attempts > len(BACKOFF_SECONDS) or not webhook.active:
        changed["state"] = DeliveryState.FAILED
    else:
        changed |= {"state": DeliveryState.PENDING, "next_attempt_at": retry_at}
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**changed)
    if not outcome.is_good:
        _note_failure(webhook, outcome, now, retry_at)
    return outcome.is_good


def _note_success(webhook: Webhook) -> None:
    if webhook.failures or webhook.retry_at is not None:
        Webhook.objects.filter(pk=webhook.pk).update(failures=0, failing_since=None, retry_at=None)


def _note_failure(webhook: Webhook, outcome: Outcome, now: datetime, retry_at: datetime) -> None:
    since = webhook.failing_since or now
    Webhook.objects.filter(pk=webhook.pk).update(
        failures=F("failures") + 1, failing_since=since, retry_at=retry_at
    )
    if outcome.status == GONE:
        switch_off(webhook, "The receiver answered 410: it wants nothing any more.")
    elif now - since >= DISABLED_AFTER:
        days = DISABLED_AFTER.days
        switch_off(webhook, f"Every attempt of the last {days} days failed, the last one so: {outcome.error}")


def switch_off(webhook: Webhook, reason: str) -> None:
    """It gets nothing any more, until a person switches it on again."""
    if Webhook.objects.filter(pk=webhook.pk, active=True).update(active=False, disabled_reason=reason[:300]):
        log.warning("webhook_disabled", webhook_id=webhook.pk, reason=reason)
        cancel_pending(webhook)


def cancel_pending(webhook: Webhook) -> None:
    """What has not been sent yet never will be."""
    webhook.deliveries.filter(state=DeliveryState.PENDING).update(
        state=DeliveryState.CANCELLED, next_attempt_at=None
    )


def _pause(failures: int) -> timedelta:
    """The time until the next attempt after so many failures."""
    seconds = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))
