"""How each cluster is scheduled."""

from django.db import models
from django.db.models import Q

from clusters.models import Cluster
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
