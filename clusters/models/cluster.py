"""A cluster's capacity and books, who may use it, and the record of every change to them."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Lower

from clusters.amounts import Amount
from organizations.models import Membership, Organization
from organizations.tenancy import TenantQuerySet

MOST_WEIGHT = 1000
"""The largest weight of a share."""


class Runtime(models.TextChoices):
    SIMULATED = "simulated", "simulated"
    DOCKER = "docker", "Docker"
    KUBERNETES = "kubernetes", "Kubernetes"


class ClusterState(models.TextChoices):
    """What a cluster is now; worked out, not stored. The first that applies counts."""

    UNREACHABLE = "unreachable"
    PAUSED = "paused"
    OVERCOMMITTED = "overcommitted"
    READY = "ready"


class ClusterQuerySet(TenantQuerySet):
    """Clusters, which are seen by their own organization and by those that they are shared with."""

    def visible_to(self, user: Any) -> Self:
        """Those that an organization of the user's owns or is given, each with `my_role`; none for anybody anonymous.

        The role is the one in the owning organization: empty for a guest, whom no action on the cluster is allowed.
        """
        if not user.is_authenticated:
            return self.none()
        role = Membership.objects.filter(organization=OuterRef("organization"), user_id=user.pk).values(
            "role"
        )
        given = ClusterShare.objects.filter(
            cluster=OuterRef("pk"), organization__deleted_at=None, organization__memberships__user_id=user.pk
        )
        return (
            self.filter(deleted_at=None, organization__deleted_at=None)
            .annotate(my_role=Coalesce(Subquery(role), Value("")))
            .filter(~Q(my_role="") | Exists(given))
        )


class Cluster(models.Model):
    """Amounts: MiB, milli-CPU, milli-GPU. `allocated_*` always equals what the cluster's runs hold."""

    my_role: str
    """Only on rows from `visible_to`: what the asking user is in the owning organization; empty for a guest."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="clusters")
    name = models.CharField(max_length=200)
    runtime = models.CharField(max_length=16, choices=Runtime.choices, default=Runtime.SIMULATED)
    engine_id = models.UUIDField(default=uuid.uuid4, editable=False)
    """Marks its containers on the engine; ids alone would meet those of a database that was made anew."""
    connection = models.TextField(blank=True, default="", editable=False)
    """Encrypted; how to reach the engine."""
    connected_by_staff = models.BooleanField(default=False, editable=False)
    """Whoever wrote the connection was platform staff: it may name any host, also this machine."""
    total_ram = models.BigIntegerField()
    total_cpu = models.BigIntegerField()
    total_gpu = models.BigIntegerField()
    allocated_ram = models.BigIntegerField(default=0, editable=False)
    allocated_cpu = models.BigIntegerField(default=0, editable=False)
    allocated_gpu = models.BigIntegerField(default=0, editable=False)
    sized_by_engine = models.JSONField(default=list, blank=True, editable=False)
    """The resources whose total is what the engine has, less a reserve: those that nobody gave."""
    engine_facts = models.JSONField(default=dict, blank=True, editable=False)
    """What the last check found: version, capacity in wire units, and what the engine tells of itself."""
    engine_problem = models.CharField(max_length=500, blank=True, default="", editable=False)
    """Why the last check failed; empty after one that did not."""
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused = models.BooleanField(default=False)
    max_grace_period_seconds = models.PositiveIntegerField(default=120)
    missed_observations = models.PositiveIntegerField(default=0, editable=False)
    unreachable_since = models.DateTimeField(null=True, blank=True, editable=False)
    declared_lost_at = models.DateTimeField(null=True, blank=True, editable=False)
    """An operator gave its runs up. Should the engine answer again, our containers there are removed first."""
    was_shared = models.BooleanField(default=False, db_default=False, editable=False)
    """Another organization may use it, or could once: its engine may keep private images of several."""
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = ClusterQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                condition=Q(deleted_at=None),
                name="cluster_name_unique_in_organization",
            ),
            models.CheckConstraint(
                condition=Q(total_ram__gte=0, total_cpu__gte=0, total_gpu__gte=0),
                name="cluster_totals_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(allocated_ram__gte=0, allocated_cpu__gte=0, allocated_gpu__gte=0),
                name="cluster_books_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def total(self) -> Amount:
        return Amount(self.total_gpu, self.total_cpu, self.total_ram)

    @property
    def allocated(self) -> Amount:
        return Amount(self.allocated_gpu, self.allocated_cpu, self.allocated_ram)

    @property
    def available(self) -> Amount:
        return available(self.total, self.allocated)

    @property
    def state(self) -> ClusterState:
        return state_of(
            unreachable=self.unreachable_since is not None,
            paused=self.paused,
            total=self.total,
            allocated=self.allocated,
        )


class ShareQuerySet(models.QuerySet[Any]):
    """Shares, which are seen by the cluster's owners, and of a guest's own by the guest."""

    def visible_to(self, user: Any) -> Self:
        """Each with `my_role`, which is the one in the organization that owns the cluster; empty for a guest."""
        if not user.is_authenticated:
            return self.none()
        mine = Membership.objects.filter(user_id=user.pk, organization__deleted_at=None)
        role = mine.filter(organization=OuterRef("cluster__organization")).values("role")
        return (
            self.filter(cluster__deleted_at=None, cluster__organization__deleted_at=None)
            .annotate(my_role=Coalesce(Subquery(role), Value("")))
            .filter(~Q(my_role="") | Q(organization__in=mine.values("organization")))
        )


class ClusterShare(models.Model):
    """An organization that may use a cluster, and its weight among those who do. The owner may always, row or none."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="shares")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="cluster_shares")
    weight = models.PositiveSmallIntegerField(default=1)

    objects: ClassVar[Any] = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "organization"], name="cluster_shared_once"),
            models.CheckConstraint(condition=Q(weight__range=(1, MOST_WEIGHT)), name="share_weight_is_good"),
        ]

    def __str__(self) -> str:
        return f"cluster {self.cluster_id} for organization {self.organization_id}, weight {self.weight}"


def available(total: Amount, allocated: Amount) -> Amount:
    """What is free now; never below zero, also on a cluster that shrank."""
    return Amount(*(max(0, have - held) for have, held in zip(total, allocated, strict=True)))


def state_of(*, unreachable: bool, paused: bool, total: Amount, allocated: Amount) -> ClusterState:
    if unreachable:
        return ClusterState.UNREACHABLE
    if paused:
        return ClusterState.PAUSED
    return ClusterState.OVERCOMMITTED if allocated.beyond(total) else ClusterState.READY


class Installation(models.Model):
    """This installation's name for engines that it may share with others; one row, made when it is first needed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    uuid = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]

    def __str__(self) -> str:
        return self.uuid.hex


class ClusterEvent(models.Model):
    """A change of capacity, pause, name or reachability, with old and new value. Append-only."""

    membership_path = "organization__memberships"

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="events")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=32)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(F("cluster"), F("id").desc(), name="cluster_events_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} of cluster {self.cluster_id}"
