"""Simulations that were asked for, and what came of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from clusters.models import Cluster


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
