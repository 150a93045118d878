"""One attempt to run a deployment, and what it holds meanwhile."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform

from clusters.models import Cluster
from deployments.models.deployment import Deployment, Priority
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class Outcome(models.TextChoices):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    LOST = "lost"


class StopCause(models.TextChoices):
    """Who or what told a run to stop."""

    USER = "user"
    PREEMPTION = "preemption"
    TIME_LIMIT = "time_limit"


class Run(models.Model):
    """One attempt to run a deployment: what it was started with, what it held, and how it ended."""

    membership_path = "organization__memberships"

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="runs")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # An index below begins with it.
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="runs", db_index=False)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    spec = models.JSONField(default=dict)
    """An unchangeable copy of what it was started with; secrets stay encrypted."""
    booked_at = models.DateTimeField()
    """Since then it holds its capacity."""
    running_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    stop_signalled_at = models.DateTimeField(null=True, blank=True)
    """Noted before the engine is told."""
    stop_delivered_at = models.DateTimeField(null=True, blank=True)
    """Noted after the engine took it; its grace counts from here."""
    image_ready_at = models.DateTimeField(null=True, blank=True)
    """The image was pulled for this run; None: not yet, or it need not be."""
    checkpointed_at = models.DateTimeField(null=True, blank=True)
    """The last moment that its work was saved, as it was reported to us."""
    stop_cause = models.CharField(max_length=16, choices=StopCause.choices, null=True, blank=True)
    stop_as_failed = models.BooleanField(default=False)
    preempted_by = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs_preempted"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    failure = models.CharField(max_length=32, null=True, blank=True)
    """Why it ended badly, from the closed list of `deployments.verdicts.Failure`."""
    detail = models.CharField(max_length=500, blank=True, default="")
    log_tail = models.TextField(blank=True, default="", editable=False)
    """The last 64 KB that it wrote, kept when it ended."""
    log_kept_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment"], condition=Q(outcome=None), name="one_run_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(outcome=None, ended_at=None) | Q(outcome__isnull=False, ended_at__isnull=False),
                name="run_ends_with_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["cluster"], condition=Q(outcome=None), name="live_runs_of_a_cluster"),
            models.Index(fields=["cluster", "ended_at"], name="runs_of_a_cluster_by_end"),
            models.Index(
                fields=["booked_at"], condition=Q(outcome=None, running_at=None), name="runs_that_start"
            ),
            models.Index(
                fields=["stop_requested_at"],
                condition=Q(outcome=None, stop_requested_at__isnull=False),
                name="runs_that_stop",
            ),
            models.Index(fields=["ended_at"], condition=Q(outcome=Outcome.FAILED), name="failed_runs_by_end"),
            models.Index(
                fields=["cluster", "stop_requested_at"],
                condition=Q(preempted_by__isnull=False),
                name="evictions_of_a_cluster",
            ),
            models.Index(
                F("organization"),
                KeyTextTransform("docker_image", "spec"),
                F("id").desc(),
                condition=Q(outcome=Outcome.COMPLETED),
                name="completed_runs_of_a_kind",
            ),
            # For the console's lists. The partial ones are written once.
            models.Index(
                fields=["outcome"],
                condition=Q(outcome__in=[Outcome.FAILED, Outcome.STOPPED, Outcome.PREEMPTED, Outcome.LOST]),
                name="runs_ended_badly",
            ),
            models.Index(
                fields=["stop_cause"], condition=Q(stop_cause__isnull=False), name="runs_told_to_stop"
            ),
            models.Index(fields=["booked_at"], name="runs_by_booking"),
            models.Index(fields=["cluster", "booked_at"], name="runs_of_a_cluster"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of #{self.deployment_id}"

    @property
    def container_name(self) -> str:
        """See `container_name_of`."""
        return container_name_of(self.pk)


def container_name_of(run_id: int) -> str:
    """Unique for ever in this installation; drivers are idempotent by it."""
    return f"run-{run_id}"


class HeldDevice(models.Model):
    """A GPU of a cluster that an allocation holds just now; nobody else can book it meanwhile."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="held_devices")
    device = models.PositiveIntegerField()
    allocation = models.ForeignKey("Allocation", on_delete=models.CASCADE, related_name="held_devices")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "device"], name="device_held_once"),
        ]

    def __str__(self) -> str:
        return f"GPU {self.device} of cluster {self.cluster_id}"


class Allocation(models.Model):
    """What a run holds on one cluster. Today each run has exactly one, of index 0."""

    membership_path = "run__organization__memberships"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="allocations")
    index = models.PositiveSmallIntegerField(default=0)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="allocations")
    ram = models.BigIntegerField()
    cpu = models.BigIntegerField()
    gpu = models.BigIntegerField()
    device_ids = models.JSONField(default=list, blank=True)
    handle = models.CharField(max_length=200, blank=True, default="")
    released_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "index"], name="allocation_index_once_a_run"),
            models.CheckConstraint(
                condition=Q(ram__gte=0, cpu__gte=0, gpu__gte=0), name="allocation_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["cluster"], condition=Q(released_at=None), name="held_allocations_of_a_cluster"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gpu / 1000:g} GPU on cluster {self.cluster_id}"
