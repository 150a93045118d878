"""What the browser looks at: two clusters, and deployments in most states, all submitted over the API."""

from dataclasses import dataclass
from typing import Any

import httpx

from hypervisor.tests.processes import eventually

PASSWORD = "correct horse battery staple"
JOB = {"docker_image": "registry.example.org/ml/train:2.4", "required_ram": 8, "required_cpu": 2}


@dataclass(frozen=True)
class Filled:
    """Ids of what the tests name. `http` speaks as alice, who owns it all."""

    http: httpx.Client
    organization: int
    cluster: int
    shut: int
    """A cluster that is paused."""
    talker: int
    """It runs, and writes a log."""
    waiting: list[int]

    def submit(self, cluster: int, name: str, **more: Any) -> int:
        body = {"name": name, "cluster_id": cluster, "required_gpu": 1, **JOB, **more}
        return int(_said(self.http.post("/deployments", json=body))["id"])

    def status(self, deployment: int) -> str:
        return str(_said(self.http.get(f"/deployments/{deployment}"))["status"])


def fill(address: str) -> Filled:
    http = httpx.Client(base_url=address, timeout=60)
    _said(http.post("/register", json={"username": "alice", "password": PASSWORD}))
    token = _said(http.post("/token", data={"username": "alice", "password": PASSWORD}))["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    organization = _said(http.post("/organizations", json={"name": "Vision Lab"}))["id"]

    def cluster(name: str, gpus: int, **more: Any) -> int:
        size = {"total_gpu": gpus, "total_cpu": 64, "total_ram": 256, "organization_id": organization}
        return int(_said(http.post("/clusters", json={"name": name, **size, **more}))["id"])

    filled = Filled(http, organization, cluster("dgx-01", 8), cluster("booth", 2, paused=True), 0, [])
    first = filled.submit(filled.cluster, "prepare-imagenet", simulated_seconds=1)
    talker = filled.submit(filled.cluster, "train-vit", simulated_seconds=3600, priority="HIGH")
    filled.submit(filled.cluster, "sweep-lr", simulated_seconds=3600, required_gpu=6, priority="LOW")
    filled.submit(filled.cluster, "evaluate", dependency_ids=[first, talker])
    filled.submit(cluster("old-cards", 2, connection={"exit_code": 1}), "export-onnx", simulated_seconds=1)
    waiting = [filled.submit(filled.shut, f"whisper-{number}") for number in range(4)]
    filled.http.post(f"/deployments/{waiting.pop()}/cancel")
    assert eventually(lambda: filled.status(talker) == "running" and filled.status(first) == "completed")
    # Somebody has to make room, so that there is a preemption to show.
    filled.submit(filled.cluster, "demo-inference", required_gpu=4, priority="HIGH", simulated_seconds=3600)
    return Filled(http, organization, filled.cluster, filled.shut, talker, waiting)


def _said(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
