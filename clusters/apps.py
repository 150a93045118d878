"""Clusters: a fixed amount of RAM, CPU and GPU behind a container engine."""

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "clusters"
    verbose_name = "Capacity"

    def ready(self) -> None:
        from clusters.services.events import KINDS
        from organizations.webhooks.kinds import known

        known["cluster"] = KINDS
