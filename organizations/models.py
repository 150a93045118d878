"""Tenants and memberships."""

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from organizations.tenancy import TenantQuerySet
from organizations.webhooks.models import Webhook, WebhookDelivery

__all__ = ["Membership", "Organization", "Role", "Webhook", "WebhookDelivery", "new_invite_code"]

INVITE_BYTES = 24
"""Random bytes of an invite code: 192 bits."""


def new_invite_code() -> str:
    """An unguessable code, safe in a URL."""
    return secrets.token_urlsafe(INVITE_BYTES)


class Role(models.TextChoices):
    OWNER = "owner", "owner"
    ADMIN = "admin", "admin"
    MEMBER = "member", "member"
    VIEWER = "viewer", "viewer"


class Organization(models.Model):
    """A tenant. Deleting hides it: `deleted_at`."""

    membership_path = "memberships"

    my_role: str
    """Only on rows from `visible_to`: what the asking user is in the organization."""

    name = models.CharField(max_length=200)
    invite_code = models.CharField(max_length=64, unique=True, default=new_invite_code)
    invite_expires_at = models.DateTimeField(null=True, blank=True)
    invite_uses_left = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a user is in an organization."""

    membership_path = "organization__memberships"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="one_membership_per_user_and_organization"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.organization_id}"
