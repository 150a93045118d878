"""What signs engines in to registries."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class RegistryCredential(models.Model):
    """What an engine needs to pull a tenant's private images from one registry."""

    membership_path = "organization__memberships"

    my_role: str
    """Only on rows from `visible_to`: what the asking user is in the organization."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="registry_credentials"
    )
    name = models.CharField(max_length=200)
    server = models.CharField(max_length=255)
    """Host, and port if it has one, as images name it."""
    username = models.CharField(max_length=255)
    password = models.TextField(editable=False)
    """Encrypted."""
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                condition=Q(deleted_at=None),
                name="registry_credential_name_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.server})"
