"""A thousand tenants with a cluster each, in a service of its own: made by SQL beside it, driven over HTTP."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from hypervisor.demo.chaos.service import Service
from hypervisor.embedded.location import Location, prepare_location
from hypervisor.embedded.postgres import DATABASE, USER

TENANTS = """
INSERT INTO organizations_organization (name, invite_code, created_at)
SELECT 'tenant ' || n, 'flow ' || n, now() FROM generate_series(1, %(tenants)s) AS n;
INSERT INTO organizations_membership (organization_id, user_id, role, created_at)
SELECT id, %(user)s, 'owner', now() FROM organizations_organization WHERE invite_code LIKE 'flow %%';
INSERT INTO clusters_cluster (organization_id, name, runtime, engine_id, connection, total_gpu, total_cpu, total_ram,
    allocated_gpu, allocated_cpu, allocated_ram, paused, max_grace_period_seconds, missed_observations, created_at,
    connected_by_staff, sized_by_engine, engine_facts, engine_problem)
SELECT id, 'box', 'simulated', gen_random_uuid(), '', %(gpus)s * 1000, %(gpus)s * 4000, %(gpus)s * 16384, 0, 0, 0,
    false, 120, 0, now(), false, '[]', '{}', ''
FROM organizations_organization WHERE invite_code LIKE 'flow %%' ORDER BY id;
ANALYZE organizations_organization, organizations_membership, clusters_cluster;
"""
WAITING = """
INSERT INTO deployments_deployment (organization_id, cluster_id, created_by_id, name, docker_image, required_gpu,
    required_cpu, required_ram, priority, command, args, env, secret_env, secret_env_names, working_dir,
    image_pull_policy, restart_policy, max_retries, grace_period_seconds, labels, ports, status, queued_at,
    preemption_count, retries_used, lost_count, created_at)
SELECT organization_id, cluster.id, %(user)s, 'waits ' || n, 'ubuntu:24.04', 1000 * (1 + n %% 4), 4000, 16384,
    1 + n %% 2, '[]', '[]', '{}', '', '[]', '', 'if_not_present', 'never', 0, 30, '{}', '[]', 'pending',
    now() - make_interval(secs => n), 0, 0, 0, now()
FROM clusters_cluster AS cluster CROSS JOIN generate_series(1, %(each)s) AS n WHERE cluster.id = ANY(%(clusters)s);
ANALYZE deployments_deployment;
"""


LEADERS = {
    "web": "interface=wsgi", "stream": "interface=asgi", "worker": "queues=hypervisor", "engines": "queues=engines",
    "beat": " beat ", "postgres": "postgres", "valkey": "valkey-server",
}  # fmt: skip


class Caller:
    """A signed-in user of the service, with so many connections at once."""

    def __init__(self, service: Service, *, username: str, at_once: int) -> None:
        self._http = httpx.Client(base_url=service.url, timeout=120.0)
        self._pool = ThreadPoolExecutor(at_once)
        secret = {"username": username, "password": "a bench's own word"}
        self.user_id = int(self.post("/register", secret)["id"])
        token = self._http.post("/token", data=secret).raise_for_status().json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        """The body of a GET that must succeed."""
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        """The body of the answer to a POST that must succeed."""
        return self._http.post(path, json=body).raise_for_status().json()

    def post_all(self, path: str, bodies: list[bytes]) -> None:
        """POST these JSON texts, several at a time."""
        kind = {"Content-Type": "application/json"}
        for answer in self._pool.map(lambda body: self._http.post(path, content=body, headers=kind), bodies):
            answer.raise_for_status()


def location_of(service: Service) -> Location:
    """Where the service keeps its data and sockets."""
    return prepare_location(Path(service.environment["DATA_DIR"]))


@contextmanager
def database_of(service: Service, name: str = DATABASE) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the service's own database, or to another one of the same server."""
    sockets = str(location_of(service).sockets)
    with psycopg.connect(host=sockets, user=USER, dbname=name, autocommit=True) as connection:
        yield connection


def make_tenants(
    connection: psycopg.Connection[Any], *, user: int, tenants: int, gpus: int
) -> dict[int, int]:
    """So many tenants with a cluster of so many GPUs each; answers cluster → organization."""
    for statement in TENANTS.strip().split(";\n"):
        connection.execute(statement, {"user": user, "tenants": tenants, "gpus": gpus})
    rows = connection.execute(
        "SELECT id, organization_id FROM clusters_cluster WHERE name = 'box' ORDER BY id"
    )
    return dict(rows.fetchall())


def make_waiting(connection: psycopg.Connection[Any], *, user: int, clusters: list[int], each: int) -> None:
    """So many pending deployments in each of these clusters, as if submitted long ago."""
    for statement in WAITING.strip().split(";\n"):
        connection.execute(statement, {"user": user, "clusters": clusters, "each": each})


def batch(cluster: int, count: int) -> bytes:
    """The body of a bulk submission: jobs of one GPU that run until they are stopped."""
    jobs = [
        {
            "name": f"job {n}", "docker_image": "pytorch/pytorch:2.6.0", "cluster_id": cluster, "required_ram": 16,
            "required_cpu": 4, "required_gpu": 1, "priority": ("LOW", "MEDIUM", "HIGH")[n % 3],
            "env": {"SEED": str(n)}, "labels": {"team": "bench"},
        }
        for n in range(count)
    ]  # fmt: skip
    return json.dumps({"deployments": jobs}).encode()


def cpu_seconds(service: Service) -> dict[str, float]:
    """What each part of the service has used until now, its children with it."""
    every = {found.pid: found for found in service.children()}
    names = {}
    for name, word in LEADERS.items():
        if leader := service.find(word):
            names[leader.pid] = name
    spent = dict.fromkeys(LEADERS, 0.0)
    for found in every.values():
        top = found
        while top.parent in every and top.pid not in names:
            top = every[top.parent]
        try:
            words = Path(f"/proc/{found.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if top.pid in names:
            spent[names[top.pid]] += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return spent
