"""What each cycle did, why it evicted, and how often beat was told to do what."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F

from clusters.models import Cluster
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class Cycle(models.Model):
    """One scheduling pass of one cluster that changed something. Durations in milliseconds, of the whole batch."""

    membership_path = "organization__memberships"

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="cycles")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    policy = models.CharField(max_length=32)
    pending = models.PositiveIntegerField()
    """Pending at its start."""
    scheduled = models.PositiveIntegerField()
    preempted = models.PositiveIntegerField()
    unschedulable = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    read_ms = models.FloatField()
    plan_ms = models.FloatField()
    write_ms = models.FloatField()
    batch = models.PositiveIntegerField(default=1)
    """Clusters planned together, which share the durations."""

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(F("cluster"), F("id").desc(), name="cycles_newest_first")]

    def __str__(self) -> str:
        return f"cycle {self.pk} of cluster {self.cluster_id}"


class EvictionCertificate(models.Model):
    """Why one cycle evicted whom it evicted in one cluster, in numbers that can be checked again. Never changed."""

    membership_path = "organization__memberships"

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="certificates")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    policy = models.CharField(max_length=32)
    victims = models.PositiveIntegerField()
    lost_seconds = models.FloatField()
    """Work destroyed: GPU-seconds since the last checkpoints; core-seconds on a cluster without GPUs."""
    numbers = models.JSONField()
    """As `scheduling.certificates.as_numbers` writes it."""

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("cluster"), F("id").desc(), name="certificates_newest_first"),
            models.Index(fields=["at"], name="certificates_by_time"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.pk} of cluster {self.cluster_id}"


class SeededInterval(models.Model):
    """What the environment last gave a beat task, so that only a changed interval overrules an operator's edit."""

    task = models.CharField(max_length=200, unique=True)
    seconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.task} every {self.seconds} s"
