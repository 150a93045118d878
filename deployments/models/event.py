"""The story of a deployment."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F

from deployments.models.deployment import Deployment
from deployments.models.run import Run
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class Source(models.TextChoices):
    """Who or what did it."""

    USER = "user"
    SCHEDULER = "scheduler"
    RUNTIME = "runtime"


class DeploymentEvent(models.Model):
    """One thing that happened to a deployment. Append-only; `data` holds old and new values, never a secret."""

    membership_path = "organization__memberships"

    # An index below begins with it.
    deployment = models.ForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=32)
    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("deployment"), F("id").desc(), name="events_newest_first"),
            models.Index(fields=["at"], name="events_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.deployment_id}"
