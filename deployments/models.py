"""Deployments, what they wait for, the attempts to run them, and the story of each."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clusters.amounts import Amount
from clusters.models import Cluster
from deployments.states import HOLDS_CAPACITY, Status
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class Priority(models.IntegerChoices):
    LOW = 1, "LOW"
    MEDIUM = 2, "MEDIUM"
    HIGH = 3, "HIGH"


class RestartPolicy(models.TextChoices):
    NEVER = "never"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"


class PullPolicy(models.TextChoices):
    ALWAYS = "always"
    IF_NOT_PRESENT = "if_not_present"
    NEVER = "never"


class Deployment(models.Model):
    """What one asks for. Amounts: MiB, milli-CPU, milli-GPU. `organization` is the submitter's, not its cluster's."""

    membership_path = "organization__memberships"

    my_role: str
    """Only on rows from `visible_to`: what the asking user is in the organization."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="deployments")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="deployments")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    name = models.CharField(max_length=200)
    docker_image = models.CharField(max_length=512)
    required_ram = models.BigIntegerField()
    required_cpu = models.BigIntegerField()
    required_gpu = models.BigIntegerField(default=0)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.MEDIUM)
    depends_on = models.ManyToManyField(
        "self", through="Dependency", symmetrical=False, related_name="dependents", blank=True
    )

    command = models.JSONField(default=list, blank=True)
    args = models.JSONField(default=list, blank=True)
    env = models.JSONField(default=dict, blank=True)
    secret_env = models.TextField(default="", blank=True, editable=False)
    """Encrypted."""
    secret_env_names = models.JSONField(default=list, blank=True, editable=False)
    working_dir = models.CharField(max_length=1024, blank=True, default="")
    image_pull_policy = models.CharField(
        max_length=16, choices=PullPolicy.choices, default=PullPolicy.IF_NOT_PRESENT
    )
    restart_policy = models.CharField(
        max_length=16, choices=RestartPolicy.choices, default=RestartPolicy.NEVER
    )
    max_retries = models.PositiveIntegerField(default=0)
    time_limit_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    grace_period_seconds = models.PositiveIntegerField(default=30)
    expected_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    simulated_seconds = models.FloatField(null=True, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    ports = models.JSONField(default=list, blank=True)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING, editable=False)
    reason = models.CharField(max_length=32, null=True, blank=True, editable=False)
    """Why it waits, or why it failed; from a closed list."""
    seat_granted_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Room is promised to it since then: those who make that room are stopping."""
    queued_at = models.DateTimeField(editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    exit_code = models.IntegerField(null=True, blank=True, editable=False)
    preemption_count = models.PositiveIntegerField(default=0, editable=False)
    retries_used = models.PositiveIntegerField(default=0, editable=False)
    lost_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                F("cluster"),
                F("priority").desc(),
                F("queued_at"),
                F("id"),
                condition=Q(status=Status.PENDING),
                name="queue_of_a_cluster",
            ),
            models.Index(
                fields=["cluster"],
                condition=Q(status__in=sorted(HOLDS_CAPACITY)),
                name="holders_of_a_cluster",
            ),
            models.Index(fields=["organization", "id"], name="deployments_of_organization"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="deployment_status_is_known"),
            models.CheckConstraint(
                condition=Q(priority__in=Priority.values), name="deployment_priority_is_known"
            ),
            models.CheckConstraint(
                condition=Q(required_ram__gte=0, required_cpu__gte=0, required_gpu__gte=0),
                name="deployment_needs_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(seat_granted_at=None) | Q(status=Status.PENDING),
                name="only_the_pending_have_seats",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"

    @property
    def required(self) -> Amount:
        return Amount(self.required_gpu, self.required_cpu, self.required_ram)


class Dependency(models.Model):
    """`deployment` waits until `depends_on` is completed."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="dependency_rows")
    depends_on = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="dependent_rows")

    class Meta:
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(fields=["deployment", "depends_on"], name="dependency_once"),
            models.CheckConstraint(
                condition=~Q(deployment=F("depends_on")), name="nothing_depends_on_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.deployment_id} after #{self.depends_on_id}"


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
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="runs")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    spec = models.JSONField(default=dict)
    """An unchangeable copy of what it was started with; secrets stay encrypted."""
    booked_at = models.DateTimeField()
    """Since then it holds its capacity."""
    running_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    stop_signalled_at = models.DateTimeField(null=True, blank=True)
    stop_cause = models.CharField(max_length=16, choices=StopCause.choices, null=True, blank=True)
    stop_as_failed = models.BooleanField(default=False)
    preempted_by = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs_preempted"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    detail = models.CharField(max_length=500, blank=True, default="")

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
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of #{self.deployment_id}"

    @property
    def container_name(self) -> str:
        """Unique for ever in this installation; drivers are idempotent by it."""
        return f"run-{self.pk}"


class Allocation(models.Model):
    """What a run holds on one cluster. Today each run has exactly one, of index 0."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="allocations")
    index = models.PositiveSmallIntegerField(default=0)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="allocations")
    ram = models.BigIntegerField()
    cpu = models.BigIntegerField()
    gpu = models.BigIntegerField()
    device_ids = models.JSONField(default=list, blank=True)
    handle = models.CharField(max_length=200, blank=True, default="")
    released_at = models.DateTimeField(null=True, blank=True)

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


class Source(models.TextChoices):
    """Who or what did it."""

    USER = "user"
    SCHEDULER = "scheduler"
    RUNTIME = "runtime"


class DeploymentEvent(models.Model):
    """One thing that happened to a deployment. Append-only; `data` holds old and new values, never a secret."""

    membership_path = "organization__memberships"

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="events")
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
        indexes = [models.Index(F("deployment"), F("id").desc(), name="events_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.deployment_id}"
