"""Who used how much: kept for each hour, so that nobody adds up runs to show it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from deployments.models import Priority
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class UsageHour(models.Model):
    """What the runs of one user in one organization and priority held in one hour, wherever they ran.

    Seconds of devices, of cores and of GB (1 GB = 1024 MiB). The hour that is under way grows with each minute.
    """

    membership_path = "organization__memberships"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="usage_hours")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="usage_hours"
    )
    """Who made the deployments; None: somebody whose account is gone."""
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    hour = models.DateTimeField()
    """Its first moment, in UTC."""
    gpu_seconds = models.FloatField()
    cpu_seconds = models.FloatField()
    ram_gb_seconds = models.FloatField()

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-hour", "id"]
        indexes = [
            models.Index(F("organization"), F("hour").desc(), name="usage_of_an_organization"),
            models.Index(fields=["hour"], name="usage_of_an_hour"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="usage_priority_is_known"),
        ]

    def __str__(self) -> str:
        return f"usage of organization {self.organization_id}, {self.hour:%Y-%m-%d %H} h"
