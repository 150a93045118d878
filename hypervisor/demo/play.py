"""Plays a workload against a service: submits each task at its time, and looks once a second."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypervisor.demo.measures import Row
from hypervisor.demo.progress import Progress
from hypervisor.demo.service import Session
from hypervisor.demo.trace import Site, Task

POLL_SECONDS = 1.0
IMAGE = "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime"


def build(session: Session, *, organization: str, sites: Sequence[Site]) -> tuple[int, list[int]]:
    """An organization and its clusters: their ids."""
    owner = session.create("/organizations", {"name": organization})["id"]
    bodies = [
        {
            "name": site.name, "organization_id": owner, "runtime": "simulated",
            "total_gpu": site.gpus, "total_cpu": site.cores, "total_ram": site.ram,
        }
        for site in sites
    ]  # fmt: skip
    return owner, [session.create("/clusters", body)["id"] for body in bodies]


def play(
    session: Session,
    tasks: Sequence[Task],
    *,
    organization_id: int,
    cluster_ids: Sequence[int],
    timeout: float,
    progress: Progress,
    show: Callable[[Progress], None],
) -> None:
    """Until every task has ended, or `timeout` seconds have passed. `show` is called after each look."""
    began = time.monotonic()
    waiting = list(reversed(tasks))
    next_look = began
    while not progress.done and time.monotonic() - began < timeout:
        while waiting and waiting[-1].at <= time.monotonic() - began and time.monotonic() < next_look:
            task = waiting.pop()
            body = _body(task, organization_id, cluster_ids, progress.accepted)
            find = {"organization_id": organization_id, "name": task.name}
            progress.accepted[task.name] = session.create("/deployments", body, find=find)["id"]
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + POLL_SECONDS
            rows = list(session.rows("/deployments", organization_id=organization_id))
            clusters = [row for row in session.rows("/clusters") if row["id"] in cluster_ids]
            if not waiting and progress.arrived_after is None:
                progress.arrived_after = time.monotonic() - began
            progress.update(rows=rows, clusters=clusters, elapsed=time.monotonic() - began)
            show(progress)
        due = began + waiting[-1].at if waiting else next_look
        time.sleep(max(0.0, min(due, next_look) - time.monotonic()))


def first_starts(session: Session, rows: Sequence[Row]) -> dict[int, str | None]:
    """Deployment → when its first run was given its capacity. Only what was preempted has to be asked for."""
    return {
        row["id"]: _first_run(session, row["id"]) if row["preemption_count"] else row["started_at"]
        for row in rows
    }


def _first_run(session: Session, deployment_id: int) -> str | None:
    booked = [run["booked_at"] for run in session.rows(f"/deployments/{deployment_id}/runs")]
    return min(booked, default=None)


def _body(
    task: Task, organization_id: int, cluster_ids: Sequence[int], accepted: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "name": task.name,
        "docker_image": IMAGE,
        "organization_id": organization_id,
        "cluster_id": cluster_ids[task.site],
        "required_gpu": task.gpus,
        "required_cpu": task.cores,
        "required_ram": task.ram,
        "priority": task.priority,
        "dependency_ids": [accepted[task.after]] if task.after else [],
        "simulated_seconds": task.seconds,
        "expected_seconds": task.expected_seconds,
        "labels": {"trace": "philly", "vc": task.vc},
    }
