"""The composing app: no models; it registers the system checks."""

from django.apps import AppConfig


class HypervisorConfig(AppConfig):
    name = "hypervisor"
    verbose_name = "MLOps Hypervisor"

    def ready(self) -> None:
        from hypervisor import checks  # noqa: F401 — importing registers them
