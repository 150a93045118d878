"""CPU of the main calls: what a request costs in this process, the database's own work not counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tokens import issue
from clusters.models import Cluster
from organizations.models import Membership, Organization, Role

ROUNDS = 300
WARM_UP = 30
ROWS = 100


@dataclass(frozen=True, slots=True)
class ApiFigure:
    """CPU milliseconds a request, and how many times the bare `/healthz` that is."""

    call: str
    cpu_ms: float
    ratio: float


def measure() -> list[ApiFigure]:
    """A get and a create, a list of 100, and the bare request that they are compared with."""
    user = User.objects.create_user("bench", password=None)
    organization = Organization.objects.create(name="bench api", invite_code="bench api")
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    cluster = Cluster.objects.create(
        organization=organization, name="api", total_gpu=8000, total_cpu=64_000, total_ram=262_144
    )
    client = Client(
        SERVER_NAME="localhost", headers={"authorization": f"Bearer {issue(user=user)['access_token']}"}
    )
    body = {
        "name": "train",
        "docker_image": "ubuntu:24.04",
        "cluster_id": cluster.pk,
        "required_ram": 4,
        "required_cpu": 1,
        "required_gpu": 1,
    }

    def create() -> Any:
        return client.post("/deployments", body, content_type="application/json")

    made = [create().json()["id"] for _ in range(ROWS)]
    bare = _cpu_ms(lambda: client.get("/healthz"), 200)
    calls: list[tuple[str, Callable[[], Any], int]] = [
        ("GET /healthz (the yardstick)", lambda: client.get("/healthz"), 200),
        (f"GET /deployments?limit={ROWS}", lambda: client.get(f"/deployments?limit={ROWS}"), 200),
        ("GET /deployments/{id}", lambda: client.get(f"/deployments/{made[0]}"), 200),
        ("POST /deployments", create, 201),
    ]
    figures = []
    for name, call, status in calls:
        cost = _cpu_ms(call, status)
        figures.append(ApiFigure(name, cost, cost / bare))
    return figures


def _cpu_ms(call: Callable[[], Any], status: int) -> float:
    for _ in range(WARM_UP):
        answer = call()
        if answer.status_code != status:
            raise RuntimeError(f"{answer.status_code} instead of {status}: {answer.content[:300]!r}")
    began = time.process_time()
    for _ in range(ROUNDS):
        call()
    return (time.process_time() - began) * 1000 / ROUNDS
