"""From a run, as it was booked, to what its engine is asked to start."""

from clusters import secrets
from clusters.runtimes.base import ContainerSpec
from deployments.models import Run


def container_spec(run: Run, *, most_grace_seconds: int) -> ContainerSpec:
    """What the run was booked with, its secrets in the clear: only workers call this. Raises UnreadableSecret.

    `run.allocations` is best prefetched. `most_grace_seconds`: the cluster's limit.
    """
    spec, allocation = run.spec, run.allocations.all()[0]
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
        pull=spec["image_pull_policy"],
        grace_seconds=min(most_grace_seconds, spec["grace_period_seconds"]),
        simulated_seconds=spec["simulated_seconds"],
    )
