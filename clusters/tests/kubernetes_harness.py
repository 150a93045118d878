"""Drivers of a Kubernetes test double, for the tests that every driver must pass and for its own."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clusters.runtimes.base import ContainerSpec, Observed, Owner, Phase
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP
from clusters.runtimes.kubernetes import KubernetesDriver
from clusters.runtimes.kubernetes_connection import parse_connection

from .kubernetes_api import KubernetesAPI
from .kubernetes_handler import TOKEN

REAL_KUBECONFIG = os.environ.get("KUBECONFIG_UNDER_TEST", "")
"""The path of a kubeconfig: then what every driver promises is also proven against that cluster."""


def new_owner() -> Owner:
    """A cluster that no other test has."""
    return Owner(installation=uuid.uuid4().hex, cluster=uuid.uuid4().hex)


def driver_of(api: KubernetesAPI, owner: Owner, token: str = TOKEN) -> KubernetesDriver:
    """A driver that connects to the double anew."""
    endpoint = Endpoint(Scheme.HTTPS, host="127.0.0.1", port=api.port, ca=api.authority.pem)
    return KubernetesDriver(EngineHTTP(endpoint, Reach(trusted=True), bearer=token), owner)


def real_driver(owner: Owner) -> KubernetesDriver:
    """A driver of the cluster under test. It leaves an empty namespace there."""
    endpoint, token = parse_connection({"kubeconfig": Path(REAL_KUBECONFIG).read_text()})
    return KubernetesDriver(EngineHTTP(endpoint, Reach(trusted=True), bearer=token), owner)


def make_foreign(api: KubernetesAPI, owner: Owner) -> str:
    """A Job with a pod that has our name and not our labels; answers the handle that would be its."""
    handle = driver_of(api, owner).start(new_spec())
    eventually(lambda: api.store.all("pods"))
    with api.store.lock:
        for thing in api.store.all("jobs") + api.store.all("pods"):
            thing["metadata"]["labels"] = {}
    return handle


def new_spec(**fields: Any) -> ContainerSpec:
    """A small container that sleeps for an hour, unless the fields say otherwise."""
    default = {
        "name": f"run-{uuid.uuid4().hex}",
        "image": "busybox:1",
        "cpu_milli": 100,
        "ram_mib": 16,
        "gpu_milli": 0,
        "command": ("sleep", "3600"),
    }
    return ContainerSpec(**(default | fields))


def eventually(look: Callable[[], Any], seconds: float = 10) -> Any:
    """What `look` answers, as soon as it is anything."""
    give_up_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.01)
    return found


def look(driver: KubernetesDriver, name: str) -> Observed | None:
    """What the cluster tells of a run now."""
    return next((seen for seen in driver.observe() if seen.name == name), None)


def wait(driver: KubernetesDriver, name: str, phase: Phase) -> Observed:
    """Look until a run is in this phase."""
    return eventually(lambda: (seen := look(driver, name)) and seen.phase is phase and seen)
