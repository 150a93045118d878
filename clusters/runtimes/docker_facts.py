"""What a Docker engine is, and what it lacks."""

import re
from collections.abc import Mapping
from typing import Any

from .base import EngineFacts
from .docker_api import OLDEST_VERSION, DockerAPI, skew_of, speaking, too_old, unexpected

_WARNINGS = {
    "MemoryLimit": "The engine cannot limit memory: nothing keeps a container within what it asked for.",
    "SwapLimit": "The engine cannot limit swap: a container may use as much swap again as it has memory.",
    "CpuCfsQuota": "The engine cannot limit CPU.",
    "PidsLimit": "The engine cannot limit the number of processes.",
}
_NVIDIA_DEVICE = re.compile(r"nvidia\.com/gpu=\d+")
MIB = 1024 * 1024


def engine_facts(api: DockerAPI) -> EngineFacts:
    """See `Driver.check`."""
    version, info = api.call("GET", "/version"), api.call("GET", "/info")
    for answer in (version, info):
        if answer.status != 200:
            raise unexpected(answer)
    with speaking():
        spoken = _number(version.body["ApiVersion"])
        if spoken < _number(OLDEST_VERSION):
            raise too_old()
        gpus = _gpus(info.body)
        return EngineFacts(
            version=str(version.body["Version"])[:100],
            capacity=(int(info.body["NCPU"]) * 1000, int(info.body["MemTotal"]) // MIB, gpus * 1000),
            facts=_facts(version.body, info.body, gpus)
            | {"clock_ahead_seconds": round(skew_of(info).total_seconds())},
        )


def _facts(version: Mapping[str, Any], info: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    runtimes = sorted(str(name)[:100] for name in info["Runtimes"])
    has_nvidia = "nvidia" in runtimes or gpus > 0
    warnings = [sentence for name, sentence in _WARNINGS.items() if info.get(name) is False]
    if not any("seccomp" in str(option) for option in info.get("SecurityOptions") or ()):
        warnings.append("The engine filters no system calls (seccomp is off).")
    if has_nvidia and not gpus:
        warnings.append("The engine has an NVIDIA runtime, but does not tell how many GPUs: say so by hand.")
    return {
        "api_version": str(version["ApiVersion"])[:20],
        "os": str(info.get("OperatingSystem", ""))[:200],
        "kernel": str(info.get("KernelVersion", ""))[:200],
        "architecture": str(info.get("Architecture", ""))[:50],
        "cgroup_version": str(info.get("CgroupVersion", ""))[:10],
        "storage_driver": str(info.get("Driver", ""))[:50],
        "runtimes": runtimes,
        "has_nvidia": has_nvidia,
        "gpus": gpus or "The engine does not tell.",
        "warnings": warnings,
    }


def _gpus(info: Mapping[str, Any]) -> int:
    """How many GPUs the engine names, which only newer ones do."""
    devices = info.get("DiscoveredDevices") or ()
    return len({device["ID"] for device in devices if _NVIDIA_DEVICE.fullmatch(device["ID"])})


def _number(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
