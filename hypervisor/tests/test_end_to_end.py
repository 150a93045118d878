"""From registration to completion over HTTP, with real web, worker and beat; nobody calls the scheduler."""

import tempfile
from pathlib import Path

import httpx
import pytest

from .processes import eventually
from .service import Service

pytestmark = pytest.mark.processes
PASSWORD = "correct horse battery staple"
JOB = {"docker_image": "team/train:1", "required_ram": 1, "required_cpu": 1, "required_gpu": 1}
EITHER_ALONE = {
    "beat alone": {"SCHEDULER_HINTS": "false", "SCHEDULER_INTERVAL_SECONDS": "1", "SCHEDULER_INTERVAL": "1"},
    "hints, and a beat that only looks after what has ended": {"SCHEDULER_INTERVAL_SECONDS": "3600"},
}


class User:
    """Somebody with a token and a cluster of one GPU."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=30)
        self.call("POST", "/register", username="alice", password=PASSWORD)
        token = self.call("POST", "/token", username="alice", password=PASSWORD)["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        organization = self.call("POST", "/organizations", name="lab")["id"]
        totals = {"total_ram": 8, "total_cpu": 8, "total_gpu": 1}
        self.cluster = self.call("POST", "/clusters", name="box", organization_id=organization, **totals)[
            "id"
        ]

    def call(self, verb: str, path: str, **body):
        answer = self.http.request(verb, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    def submit(self, name: str, **asked) -> int:
        return self.call("POST", "/deployments", name=name, cluster_id=self.cluster, **JOB | asked)["id"]

    def get(self, deployment: int) -> dict:
        return self.call("GET", f"/deployments/{deployment}")

    def comes_to(self, deployment: int, status: str) -> bool:
        return eventually(lambda: self.get(deployment)["status"] == status)

    def story(self, deployment: int) -> list[str]:
        return [event["kind"] for event in self.call("GET", f"/deployments/{deployment}/events")["results"]][
            ::-1
        ]


@pytest.fixture(scope="module", params=EITHER_ALONE, ids=["beat-alone", "hints-alone"])
def service(request):
    with tempfile.TemporaryDirectory(prefix="he-") as folder:
        service = Service(Path(folder) / "data", **EITHER_ALONE[request.param])
        service.start()
        yield service
        service.process.terminate()
        service.process.wait(60)


def test_work_goes_from_registration_to_completion_through_a_preemption(service):
    alice = User(f"http://127.0.0.1:{service.port}")

    first = alice.submit("prepare", simulated_seconds=1)
    second = alice.submit("train", simulated_seconds=1, dependency_ids=[first], priority="HIGH")
    assert alice.comes_to(first, "completed")
    assert alice.comes_to(second, "completed")
    assert alice.story(second) == ["submitted", "scheduled", "running", "completed"]
    assert alice.get(first)["ended_at"] <= alice.get(second)["started_at"]

    low = alice.submit("endless", priority="LOW")
    assert alice.comes_to(low, "running")
    high = alice.submit("urgent", priority="HIGH")
    assert alice.comes_to(high, "running")
    victim = alice.get(low)
    assert (victim["status"], victim["preemption_count"]) == ("pending", 1)
    assert eventually(lambda: alice.get(low)["reason"] == "insufficient_capacity")

    alice.call("POST", f"/deployments/{high}/stop")
    assert alice.comes_to(high, "completed")
    assert alice.comes_to(low, "running")
    assert alice.get(low)["queued_at"] == victim["queued_at"]

    checked = service.manage("check_books")
    assert (checked.stdout, checked.returncode) == ("0 differences\n", 0)
