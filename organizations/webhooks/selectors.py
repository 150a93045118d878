"""Reading webhooks and their deliveries. No reader ever gets the secret."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from accounts.errors import NotFound
from accounts.models import User
from organizations.webhooks.models import Webhook, WebhookDelivery

SHOWN = (
    "id", "organization_id", "url", "events", "active", "disabled_reason", "failures", "failing_since", "retry_at",
    "old_secret_until", "created_at",
)  # fmt: skip
LISTED = (
    "id", "webhook_id", "message_id", "kinds", "state", "attempts", "created_at", "next_attempt_at", "attempted_at",
    "response_status", "duration_ms", "error",
)  # fmt: skip
UNSEEN = "There is no webhook with this id in this organization. See the list of its webhooks."
NO_DELIVERY = "This webhook has no delivery with this id. They are kept for 30 days."


def webhooks(*, user: User, organization_id: int) -> QuerySet[Any]:
    """Rows of an organization's webhooks as the wire shows them, oldest first; none if the user cannot see it."""
    rows: QuerySet[Any] = (
        Webhook.objects.visible_to(user).filter(organization_id=organization_id).order_by("id").values(*SHOWN)
    )
    return rows


def webhook_shown(*, user: User, organization_id: int, webhook_id: int) -> dict[str, Any]:
    """One webhook as the wire shows it. Raises NotFound."""
    row: dict[str, Any] | None = (
        webhooks(user=user, organization_id=organization_id).filter(pk=webhook_id).first()
    )
    if row is None:
        raise NotFound(UNSEEN)
    return row


def deliveries(*, webhook_id: int) -> QuerySet[Any]:
    """Rows of what was sent or will be, newest first, without the bodies."""
    rows: QuerySet[Any] = (
        WebhookDelivery.objects.filter(webhook_id=webhook_id).order_by("-id").values(*LISTED)
    )
    return rows


def delivery_shown(*, webhook_id: int, delivery_id: int) -> Mapping[str, Any]:
    """One of them, with its body. Raises NotFound."""
    row: dict[str, Any] | None = (
        WebhookDelivery.objects.filter(webhook_id=webhook_id, pk=delivery_id).values(*LISTED, "body").first()
    )
    if row is None:
        raise NotFound(NO_DELIVERY)
    return row
