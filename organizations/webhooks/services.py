"""What happens to webhooks: one function per verb."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit, secrets
from accounts.errors import Conflict, InvalidInput, NotFound
from accounts.models import User
from organizations.services import lock_organization
from organizations.webhooks.delivering import cancel_pending
from organizations.webhooks.kinds import TEST, names, unknown
from organizations.webhooks.models import Webhook, WebhookDelivery
from organizations.webhooks.outbox import ask_to_send, deliveries
from organizations.webhooks.reach import why_not
from organizations.webhooks.selectors import NO_DELIVERY, UNSEEN
from organizations.webhooks.signing import new_secret

MOST_WEBHOOKS = 20
"""Of one organization: each of its events is written once for each of them."""
OVERLAP = timedelta(hours=24)
"""How long messages are signed with the old secret, too, so that a receiver misses none while it changes."""
WELL = {"failures": 0, "failing_since": None, "retry_at": None, "disabled_reason": ""}
"""As one that has never failed."""


@transaction.atomic
def create_webhook(
    *, actor: User, organization_id: int, url: str, events: Sequence[str] = (), active: bool = True
) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is never shown again.

    Raises InvalidInput for an address that cannot be sent to and for unknown events, Conflict for one too many, and
    NotFound for an organization that was deleted meanwhile.
    """
    fields = _checked({"url": url, "events": events})
    lock_organization(organization_id=organization_id)
    if Webhook.objects.filter(organization_id=organization_id, deleted_at=None).count() >= MOST_WEBHOOKS:
        raise Conflict(f"An organization has at most {MOST_WEBHOOKS} webhooks. Delete one first.")
    secret = new_secret()
    webhook = Webhook.objects.create(
        organization_id=organization_id, secret=secrets.encrypt(secret), active=active, **fields
    )
    _record(webhook, "created", actor, {"new": fields | {"active": active}})
    return webhook, secret


@transaction.atomic
def change_webhook(*, actor: User, webhook_id: int, changes: Mapping[str, Any]) -> None:
    """Change what `changes` names; switching it on, or another address, forgets its failures.

    Raises InvalidInput as `create_webhook` does, and NotFound for one that was deleted meanwhile.
    """
    wanted = dict(changes) | _checked(changes)
    webhook = _lock(webhook_id)
    new = {field: value for field, value in wanted.items() if getattr(webhook, field) != value}
    if not new:
        return
    old = {field: getattr(webhook, field) for field in new}
    forgiven = WELL if "url" in new or new.get("active") else {}
    Webhook.objects.filter(pk=webhook.pk).update(**new, **forgiven)
    if new.get("active") is False:
        cancel_pending(webhook)
    _record(webhook, "changed", actor, {"old": old, "new": new})


@transaction.atomic
def rotate_secret(*, actor: User, webhook_id: int) -> str:
    """A new secret, which is never shown again; the one before it signs beside it for `OVERLAP`. Raises NotFound."""
    webhook, secret = _lock(webhook_id), new_secret()
    Webhook.objects.filter(pk=webhook.pk).update(
        secret=secrets.encrypt(secret),
        old_secret=webhook.secret,
        old_secret_until=timezone.now() + OVERLAP,
    )
    _record(webhook, "secret_rotated", actor, {})
    return secret


@transaction.atomic
def delete_webhook(*, actor: User, webhook_id: int) -> None:
    """Hide it, forget its secrets, and send nothing any more. Raises NotFound if somebody was quicker."""
    webhook = _lock(webhook_id)
    Webhook.objects.filter(pk=webhook.pk).update(
        deleted_at=timezone.now(), secret="", old_secret="", old_secret_until=None, active=False
    )
    cancel_pending(webhook)
    _record(webhook, "deleted", actor, {"url": webhook.url})


@transaction.atomic
def send_test(*, actor: User, webhook_id: int) -> WebhookDelivery:
    """Let an event be sent that says it is a test. Raises Conflict for a webhook that is off, and NotFound."""
    webhook = _lock_active(webhook_id)
    event = {
        "event": TEST,
        "kind": TEST,
        "deployment_id": None,
        "cluster_id": None,
        "organization_id": webhook.organization_id,
        "at": timezone.now(),
        "source": "user",
        "data": {"message": "This is a test. Nothing happened."},
        "status": None,
    }
    (delivery,) = deliveries(webhook, [event])
    return _send_now(actor, webhook, delivery, "tested")


@transaction.atomic
def redeliver(*, actor: User, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    """Let the same message be sent once more, under the same `webhook-id`, as a new delivery.

    Raises Conflict for a webhook that is off, and NotFound.
    """
    webhook = _lock_active(webhook_id)
    old: WebhookDelivery | None = webhook.deliveries.filter(pk=delivery_id).first()
    if old is None:
        raise NotFound(NO_DELIVERY)
    again = WebhookDelivery(
        webhook=webhook,
        message_id=old.message_id,
        body=old.body,
        kinds=old.kinds,
        next_attempt_at=timezone.now(),
    )
    return _send_now(actor, webhook, again, "redelivered")


def _send_now(actor: User, webhook: Webhook, delivery: WebhookDelivery, verb: str) -> WebhookDelivery:
    delivery.save()
    # A person asks: it is tried at once, also where the last attempts failed.
    Webhook.objects.filter(pk=webhook.pk).update(retry_at=None)
    _record(webhook, verb, actor, {"delivery": delivery.pk})
    transaction.on_commit(ask_to_send)
    return delivery


def _lock(webhook_id: int) -> Webhook:
    locked: Webhook | None = (
        Webhook.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=webhook_id, deleted_at=None, organization__deleted_at=None)
        .first()
    )
    if locked is None:
        raise NotFound(UNSEEN)
    return locked


def _lock_active(webhook_id: int) -> Webhook:
    webhook = _lock(webhook_id)
    if not webhook.active:
        raise Conflict(
            f"This webhook is off. {webhook.disabled_reason}".strip() + " Switch it on first: active: true.",
            state="off",
            allowed=["change", "delete"],
        )
    return webhook


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Address and events, where given, as they are stored. Raises InvalidInput naming each that is wrong."""
    checked, wrong = dict[str, Any](), dict[str, str]()
    if "url" in fields:
        checked["url"] = fields["url"]
        if problem := why_not(fields["url"]):
            wrong["url"] = problem
    if "events" in fields:
        checked["events"] = sorted(set(fields["events"]))
        if strange := unknown(fields["events"]):
            wrong["events"] = (
                f"There are no events named {', '.join(strange)[:200]}. Known are: {', '.join(names())}."
            )
    if wrong:
        raise InvalidInput(wrong)
    return checked


def _record(webhook: Webhook, verb: str, actor: User, detail: dict[str, Any]) -> None:
    audit.record(
        actor_id=actor.pk,
        action=f"webhook.{verb}",
        target=f"webhook:{webhook.pk}",
        organization_id=webhook.organization_id,
        detail=detail,
    )
