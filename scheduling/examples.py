"""What the schema shows of plans and policies: a good request, and its answer."""

from dataclasses import replace
from typing import Any

from scheduling.core.policy import BALANCED
from scheduling.policy_settings import as_shown

SUPPOSED: dict[str, Any] = {
    "deployments": [
        {"name": "urgent", "required_ram": 64, "required_cpu": 8, "required_gpu": 8, "priority": "HIGH"}
    ]
}
_URGENT = {
    "deployment_id": None,
    "index": 0,
    "name": "urgent",
    "priority": 3,
    "required_ram": 64,
    "required_cpu": 8,
    "required_gpu": 8,
}
_VICTIM = {
    "deployment_id": 7,
    "index": None,
    "name": None,
    "priority": 1,
    "required_ram": 32,
    "required_cpu": 4,
    "required_gpu": 4,
}
TOLD: dict[str, Any] = {
    "cluster_id": 1,
    "at": "2026-03-01T09:30:00.000000Z",
    "policy": "two_phase",
    "pending": 1,
    "scheduled": 1,
    "preempted": 1,
    "unschedulable": 0,
    "held": 0,
    "starts": [],
    "seats": [_URGENT],
    "dropped_seats": [],
    "evictions": [{"victim": _VICTIM, "preemptor": _URGENT}],
    "reasons": [{"deployment": _URGENT, "reason": "waiting_for_eviction"}],
}
POLICY_ASKED: dict[str, Any] = {"preset": "balanced", "minimum_run_seconds": 600, "most_evictions": 3}
_OVERRIDES: dict[str, Any] = {name: value for name, value in POLICY_ASKED.items() if name != "preset"}
_ALL_OF_IT: dict[str, Any] = as_shown(replace(BALANCED, **_OVERRIDES)) | {"user_weights": {}}
POLICY_SHOWN: dict[str, Any] = {
    "cluster_id": 1,
    "name": "balanced*",
    **dict.fromkeys(_ALL_OF_IT),
    **POLICY_ASKED,
    "effective": _ALL_OF_IT,
}
