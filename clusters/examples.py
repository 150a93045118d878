"""What the schema shows of clusters: a good request, and its answer."""

from typing import Any

ASKED: dict[str, Any] = {
    "name": "lab",
    "organization_id": 1,
    "total_ram": 512,
    "total_cpu": 128,
    "total_gpu": 8,
}
SHOWN: dict[str, Any] = ASKED | {
    "id": 1,
    "runtime": "simulated",
    "paused": False,
    "state": "ready",
    "available_ram": 448,
    "available_cpu": 120,
    "available_gpu": 6,
    "allocated_ram": 64,
    "allocated_cpu": 8,
    "allocated_gpu": 2,
    "sized_by_engine": [],
    "engine_version": "",
    "engine_problem": "",
    "checked_at": None,
    "max_grace_period_seconds": 120,
    "created_at": "2026-03-01T09:00:00.000000Z",
}
CHECKED: dict[str, Any] = {
    "reachable": True,
    "version": "28.3.1",
    "capacity_ram": 503.4,
    "capacity_cpu": 128,
    "capacity_gpu": 8,
    "facts": {"operating_system": "Debian GNU/Linux 12"},
    "problem": "",
    "warnings": [],
    "checked_at": "2026-03-01T09:00:00.000000Z",
}
