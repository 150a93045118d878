"""What users ask for, and what it waits for."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from clusters.amounts import Amount
from clusters.models import Cluster, RegistryCredential
from deployments.states import FINAL, HOLDS_CAPACITY, Status
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet

PENDING = Q(status=Status.PENDING)
QUIET = Q(reason="insufficient_capacity", seat_granted_at=None, retry_at=None, has_dependencies=False)
"""Told that there is no room, and nothing but room can change that."""
RESTLESS = (
    Q(reason=None)
    | ~Q(reason="insufficient_capacity")
    | Q(seat_granted_at__isnull=False)
    | Q(retry_at__isnull=False)
    | Q(has_dependencies=True)
)
"""All others: the opposite of QUIET, in the words of an index."""


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

    # Indexes below begin with these two.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="deployments", db_index=False
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="deployments", db_index=False)
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
    registry_credential = models.ForeignKey(
        RegistryCredential, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments"
    )
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
    checkpoint_interval_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    """It saves its work so often by itself, counted from each start; None: nobody knows."""
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
    has_dependencies = models.BooleanField(default=False, db_default=False, editable=False)
    """Whether it ever named one; a trigger raises it with the first `Dependency`, by whatever road that comes."""
    lost_count = models.PositiveIntegerField(default=0, editable=False)
    """Runs that the engine lost in a row, none of them after running steadily."""
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
                fields=["cluster", "priority", "required_gpu", "required_cpu", "required_ram"],
                condition=PENDING & QUIET,
                name="quiet_by_need",
            ),
            models.Index(fields=["cluster"], condition=PENDING & RESTLESS, name="restless_of_a_cluster"),
            models.Index(
                fields=["cluster"],
                condition=Q(status__in=sorted(HOLDS_CAPACITY)),
                name="holders_of_a_cluster",
            ),
            models.Index(
                fields=["cluster"],
                condition=Q(seat_granted_at__isnull=False),
                name="seats_of_a_cluster",
            ),
            models.Index(fields=["organization", "id"], name="deployments_of_organization"),
            models.Index(fields=["cluster", "id"], name="deployments_of_a_cluster"),
            # For the console's lists. The partial ones are written once, when a deployment ends or is deleted.
            models.Index(OpClass(Upper("name"), name="text_pattern_ops"), name="deployments_by_name"),
            models.Index(
                fields=["docker_image"], opclasses=["varchar_pattern_ops"], name="deployments_by_image"
            ),
            models.Index(
                fields=["status", "reason"], condition=Q(status__in=sorted(FINAL)), name="ended_by_reason"
            ),
            models.Index(fields=["id"], condition=Q(deleted_at__isnull=False), name="deleted_deployments"),
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
                condition=Q(checkpoint_interval_seconds__gte=1), name="deployment_checkpoint_interval_is_good"
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
