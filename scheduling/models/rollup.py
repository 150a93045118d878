"""What happened in each minute and each hour, of each cluster and of the whole fleet: kept, so that nobody adds it up.

Minutes are kept for two days and hours for 400; `scheduling.rollups` writes them, and nobody else.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from clusters.models import Cluster


class Figures(models.Model):
    """One span of time. All but the queue are sums, which add up over clusters and over time.

    Amounts are seconds of devices, of cores and of GB (1 GB = 1024 MiB).
    """

    at = models.DateTimeField()
    """Its first moment, in UTC."""
    total_gpu_seconds = models.FloatField()
    total_cpu_seconds = models.FloatField()
    total_ram_gb_seconds = models.FloatField()
    """What there was, as the books said when it was first written down."""
    gpu_seconds_low = models.FloatField()
    gpu_seconds_medium = models.FloatField()
    gpu_seconds_high = models.FloatField()
    """What runs held, from their booking to their end."""
    cpu_seconds = models.FloatField()
    ram_gb_seconds = models.FloatField()
    queue_low = models.FloatField(null=True)
    queue_medium = models.FloatField(null=True)
    queue_high = models.FloatField(null=True)
    """How many waited, on average over time; None: nobody looked. It adds up over clusters alone."""
    starts = models.BigIntegerField()
    waits = ArrayField(models.BigIntegerField())
    """How long those that started had waited: see `scheduling.wait_histogram`. Empty where nobody started."""
    ends = models.BigIntegerField()
    failures = models.BigIntegerField()
    """Of the ends."""
    preemptions = models.BigIntegerField()
    gpu_seconds_lost = models.FloatField()
    """Work that evictions destroyed, as their certificates say; on clusters that have GPUs."""

    class Meta:
        abstract = True


class ClusterMinute(Figures):
    """A minute of one cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="minutes", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["at", "cluster"], name="minute_of_a_cluster")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} of cluster {self.cluster_id}"


class ClusterHour(Figures):
    """An hour of one cluster, from its minutes."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="hours", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "at"], name="hour_of_a_cluster")]
        indexes = [models.Index(fields=["at"], name="cluster_hours_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H} h of cluster {self.cluster_id}"


class FleetMinute(Figures):
    """A minute of all clusters together."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["at"], name="minute_of_the_fleet")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class FleetHour(Figures):
    """An hour of all clusters together."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["at"], name="hour_of_the_fleet")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H} h"
