"""What the schema shows of an explanation."""

from typing import Any

_TRAIN = {
    "deployment_id": 7,
    "name": "train a",
    "required_ram": 32,
    "required_cpu": 4,
    "required_gpu": 4,
}
_WORK = _TRAIN | {"organization_id": 1, "priority": 1}
EXPLAINED: dict[str, Any] = {
    "deployment_id": 42,
    "cluster_id": 1,
    "at": "2026-03-01T09:30:00.000000Z",
    "status": "pending",
    "summary": "It waits: there is not enough free room (short of 1 GPU).",
    "policy": "two_phase",
    "next_cycle": "waits",
    "queue_position": 1,
    "queue_length": 5,
    "reasons": [{"reason": "insufficient_capacity", "deficits": {"ram": 0, "cpu": 0, "gpu": 1}}],
    "waits_for": [],
    "suggestions": [
        {
            "kind": "ask_for_less",
            "effect": "starts",
            "text": "It starts if it asks for at most 1 GPU instead of 2.",
            "change": {"required_gpu": 1},
            "run": None,
            "at": None,
            "evicts": [],
        },
        {
            "kind": "another_priority",
            "effect": "seat",
            "text": "It is promised room if its priority is HIGH, and starts when those who make it have gone. "
            "1 run is told to stop for it.",
            "change": {"priority": 3},
            "run": None,
            "at": None,
            "evicts": [_WORK],
        },
    ],
    "searched_all": True,
    "start": {
        "earliest": None,
        "likely": "2026-03-01T10:00:00.000000Z",
        "latest": "2026-03-01T11:00:00.000000Z",
        "unknown": None,
        "text": "Nobody else submits, nothing fails or is changed.",
    },
    "holders": [_WORK | {"promised": False, "stopping": False}],
    "releases": [_TRAIN | {"at": "2026-03-01T10:00:00.000000Z", "basis": "expected", "covers": True}],
    "covered_at": "2026-03-01T10:00:00.000000Z",
    "unknown_ends": 0,
    "clusters_considered": [2],
}
