"""What each cycle follows and did, and which beat intervals came from the environment."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from clusters.models import Cluster
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet
from scheduling.core.policy import PRESETS
from scheduling.policy_settings import COLUMNS


class ClusterPolicy(models.Model):
    """How one cluster is scheduled: a preset, and what overrides it, a nullable column for each of COLUMNS.

    A cluster without a row follows the installation's default preset.
    """

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="policy")
    preset = models.CharField(
        max_length=16,
        choices=[(name, name) for name in PRESETS],
        null=True,
        blank=True,
    )
    """None: the installation's default."""

    class Meta:
        verbose_name_plural = "cluster policies"
        constraints = [
            models.CheckConstraint(condition=Q(preset__in=list(PRESETS)), name="policy_preset_is_known"),
            *(
                models.CheckConstraint(condition=setting.rule(), name=f"policy_{setting.name}_is_good")
                for setting in COLUMNS
                if setting.rule() is not None
            ),
        ]

    def __str__(self) -> str:
        return f"policy of cluster {self.cluster_id}"


for setting in COLUMNS:
    ClusterPolicy.add_to_class(setting.name, setting.column())


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


class SeededInterval(models.Model):
    """What the environment last gave a beat task, so that only a changed interval overrules an operator's edit."""

    task = models.CharField(max_length=200, unique=True)
    seconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.task} every {self.seconds} s"
