"""Where an organization wants its events sent, and each attempt to do so."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from organizations.tenancy import TenantQuerySet


class Webhook(models.Model):
    """An address that gets the organization's events. Deleting hides it: `deleted_at`."""

    membership_path = "organization__memberships"

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="webhooks"
    )
    url = models.CharField("address", max_length=2000)
    events = models.JSONField(default=list, blank=True)
    """Such as `deployment.failed` or `cluster`; none: all of them."""
    secret = models.TextField(editable=False)
    """Encrypted; what its deliveries are signed with."""
    old_secret = models.TextField(blank=True, default="", editable=False)
    """Encrypted; the one before it, which signs beside it until `old_secret_until`."""
    old_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    """Why it was switched off by itself; empty while it is on, and where a person did it."""
    failures = models.PositiveIntegerField(default=0, editable=False)
    """Attempts that failed since the last that did not."""
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Before that nothing is sent there: a receiver that is down costs one attempt now and then."""
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    """A worker is sending; one that died has lost it by then."""
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["organization"],
                condition=Q(active=True, deleted_at=None),
                name="webhooks_that_listen",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.url}"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "pending"
    DELIVERED = "delivered", "delivered"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class WebhookDelivery(models.Model):
    """Events of one transaction on their way to a webhook; what is written here is what is sent, byte for byte."""

    membership_path = "webhook__organization__memberships"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.UUIDField(default=uuid.uuid4)
    """The same in each attempt, and when it is sent once more."""
    body = models.TextField()
    kinds = models.JSONField(default=list)
    """Of its events."""
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveIntegerField(null=True, blank=True)
    """Of the last attempt, as are the next two."""
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        indexes = [
            models.Index(F("webhook"), F("id").desc(), name="deliveries_newest_first"),
            models.Index(
                fields=["webhook", "next_attempt_at"], condition=Q(state="pending"), name="deliveries_due"
            ),
            models.Index(fields=["created_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {', '.join(self.kinds[:3])}"
