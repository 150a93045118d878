"""What each cycle follows and did and why, beat intervals from the environment, and simulations asked for."""

from typing import Any, ClassVar

from django.conf import settings
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
        indexes = [models.Index(F("cluster"), F("id").desc(), name="certificates_newest_first")]

    def __str__(self) -> str:
        return f"certificate {self.pk} of cluster {self.cluster_id}"


class SeededInterval(models.Model):
    """What the environment last gave a beat task, so that only a changed interval overrules an operator's edit."""

    task = models.CharField(max_length=200, unique=True)
    seconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.task} every {self.seconds} s"


class SimulationState(models.TextChoices):
    """Where a simulation is; the first two are open."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN_SIMULATION = (SimulationState.QUEUED, SimulationState.RUNNING)


class Simulation(models.Model):
    """What other policies would have done with a cluster's past: asked for in the console, worked out by a worker."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="simulations")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="simulations"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    days = models.PositiveSmallIntegerField(choices=[(7, "the last 7 days"), (30, "the last 30 days")])
    """How far back from `asked_at`."""
    policies = models.JSONField()
    """A list of presets, each with settings changed perhaps: as `manage.py simulate --policy` takes them."""
    state = models.CharField(
        max_length=16, choices=SimulationState.choices, default=SimulationState.QUEUED, editable=False
    )
    progress = models.PositiveSmallIntegerField(default=0, editable=False)
    """Percent."""
    told_at = models.DateTimeField(null=True, blank=True, editable=False)
    """The worker's last word."""
    result = models.JSONField(null=True, blank=True, editable=False)
    """Of a done one: figures, tables and pictures, as `scheduling.simulation_services` writes them."""
    error = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SimulationState.values), name="simulation_state_is_known"
            ),
            models.CheckConstraint(condition=Q(progress__lte=100), name="simulation_progress_is_percent"),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state__in=OPEN_SIMULATION), name="one_simulation_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"simulation {self.pk} of {self.cluster}"
