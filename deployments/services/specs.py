"""From a run, as it was booked, to what its engine is asked to start."""

from django.conf import settings

from accounts import secrets
from clusters.models import Cluster, Runtime
from clusters.registries import login_of
from clusters.runtimes.base import Cause, ContainerSpec, RuntimeFailure
from clusters.runtimes.registry_hosts import why_not_allowed
from deployments.models import Allocation, PullPolicy, Run


def container_spec(run: Run, *, cluster: Cluster, allocation: Allocation | None = None) -> ContainerSpec:
    """What the run was booked with, its secrets in the clear: only workers call this.

    `allocation`: the run's, if the caller has it. `cluster`: its own, which limits its grace. Raises UnreadableSecret,
    and a permanent RuntimeFailure for an image or a credential that may not be used any more.
    """
    spec, allocation = run.spec, allocation or run.allocations.all()[0]
    # Asked again: the operator's list and the credential may have changed while it waited.
    if forbidden := why_not_allowed(spec["docker_image"], settings.ALLOWED_REGISTRIES):
        raise RuntimeFailure(forbidden, permanent=True, cause=Cause.IMAGE_PULL_DENIED)
    return ContainerSpec(
        name=run.container_name,
        image=spec["docker_image"],
        cpu_milli=allocation.cpu,
        ram_mib=allocation.ram,
        gpu_milli=allocation.gpu,
        organization=run.organization_id,
        command=tuple(spec["command"]),
        args=tuple(spec["args"]),
        env=spec["env"],
        secret_env=secrets.decrypt(spec["secret_env"]),
        working_dir=spec["working_dir"],
        labels=spec["labels"],
        ports=tuple(spec["ports"]),
        device_ids=tuple(allocation.device_ids),
        pull=_pull_policy(spec["image_pull_policy"], cluster),
        login=login_of(spec.get("registry_credential_id")),
        grace_seconds=min(cluster.max_grace_period_seconds, spec["grace_period_seconds"]),
        simulated_seconds=spec["simulated_seconds"],
    )


def _pull_policy(asked: str, cluster: Cluster) -> str:
    # What an engine has kept it gives to everybody: the registry is asked whether this organization may have it.
    is_real = cluster.runtime != Runtime.SIMULATED
    return PullPolicy.ALWAYS.value if cluster.was_shared and is_real else asked
