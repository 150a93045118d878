"""What we ask a Docker engine to run. Pure: from a spec to the body of a create."""

from typing import Any

from .base import LABEL_PREFIX, ContainerSpec, Owner

RUN, INSTALLATION = f"{LABEL_PREFIX}/run", f"{LABEL_PREFIX}/installation"
CLUSTER, ORGANIZATION = f"{LABEL_PREFIX}/cluster", f"{LABEL_PREFIX}/organization"
MIB = 1024 * 1024
_LEAST_CPU_MILLI, _LEAST_RAM_MIB = 10, 6  # the engine's own; nothing at all would mean no limit
_MOST_PROCESSES = 4096
_SHARED_MEMORY_MIB = 64


def container_name(owner: Owner, run: str) -> str:
    """The container's name, and its handle."""
    return f"{name_prefix(owner)}{run}"


def network_name(owner: Owner, organization: int) -> str:
    """The name of the network that an organization's containers share."""
    return f"{name_prefix(owner)}org-{organization}"


def name_prefix(owner: Owner) -> str:
    """How the names of all that is ours on an engine begin."""
    return f"hv-{owner.installation[:8]}-"


def owner_labels(owner: Owner) -> list[str]:
    """What to filter lists by, to see our containers alone."""
    return [f"{CLUSTER}={owner.cluster}", f"{INSTALLATION}={owner.installation}"]


def network_body(owner: Owner, organization: int) -> dict[str, Any]:
    """A bridge of the organization's own: two bridges do not reach each other."""
    return {
        "Name": network_name(owner, organization),
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Labels": {INSTALLATION: owner.installation, ORGANIZATION: str(organization)},
    }


def create_body(spec: ContainerSpec, owner: Owner, network: str) -> dict[str, Any]:
    """The container, on this network. Its limits hold whatever the spec says: an amount of 0 is the least there is."""
    body: dict[str, Any] = {
        "Image": spec.image,
        "Env": _environment(spec),
        "Labels": _labels(spec, owner),
        "ExposedPorts": {f"{port}/tcp": {} for port in spec.ports},
        "Tty": False,
        "OpenStdin": False,
        "HostConfig": _host_config(spec, network),
    }
    if spec.command:
        body["Entrypoint"] = list(spec.command)
    if spec.args:
        body["Cmd"] = list(spec.args)
    if spec.working_dir:
        body["WorkingDir"] = spec.working_dir
    return body


def _host_config(spec: ContainerSpec, network: str) -> dict[str, Any]:
    ram = max(spec.ram_mib, _LEAST_RAM_MIB) * MIB
    config: dict[str, Any] = {
        "Privileged": False,
        "NetworkMode": network,
        "PublishAllPorts": False,
        "PidMode": "",
        "UTSMode": "",
        "IpcMode": "private",
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "PidsLimit": _MOST_PROCESSES,
        "NanoCpus": max(spec.cpu_milli, _LEAST_CPU_MILLI) * 1_000_000,
        "Memory": ram,
        "MemorySwap": ram,
        # It counts as memory of the container; training needs more of it than the engine gives by itself.
        "ShmSize": max(ram // 2, _SHARED_MEMORY_MIB * MIB),
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        # Process 1 ignores SIGTERM unless it handles it: with an init, no program is process 1.
        "Init": True,
    }
    if spec.device_ids:
        config["DeviceRequests"] = [
            {
                "Driver": "nvidia",
                "DeviceIDs": [str(device) for device in spec.device_ids],
                "Capabilities": [["gpu"]],
            }
        ]
    return config


def _environment(spec: ContainerSpec) -> list[str]:
    """Which GPUs are seen is not the user's to say: NVIDIA's runtime would believe it."""
    devices = ",".join(map(str, spec.device_ids)) or "void"
    merged = {**spec.env, **spec.secret_env, "NVIDIA_VISIBLE_DEVICES": devices}
    return [f"{name}={value}" for name, value in merged.items()]


def _labels(spec: ContainerSpec, owner: Owner) -> dict[str, str]:
    theirs = {name: value for name, value in spec.labels.items() if not name.startswith(LABEL_PREFIX)}
    return theirs | {
        RUN: spec.name,
        CLUSTER: owner.cluster,
        INSTALLATION: owner.installation,
        ORGANIZATION: str(spec.organization),
    }
