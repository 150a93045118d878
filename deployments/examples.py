"""What the schema shows of deployments: a good submission, and its answer a little later."""

from typing import Any

SUBMITTED: dict[str, Any] = {
    "name": "train",
    "docker_image": "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime",
    "cluster_id": 1,
    "required_ram": 64,
    "required_cpu": 8,
    "required_gpu": 2,
    "priority": "HIGH",
    "dependency_ids": [11],
    "simulated_seconds": 60,
}
SHOWN: dict[str, Any] = SUBMITTED | {
    "id": 42,
    "status": "pending",
    "reason": "waiting_for_dependencies",
    "priority": 3,
    "organization_id": 1,
    "created_by": "alice",
    "command": [],
    "args": [],
    "env": {},
    "secret_env_names": [],
    "working_dir": "",
    "registry_credential_id": None,
    "image_pull_policy": "if_not_present",
    "restart_policy": "never",
    "max_retries": 0,
    "time_limit_seconds": None,
    "grace_period_seconds": 30,
    "expected_seconds": None,
    "checkpoint_interval_seconds": None,
    "labels": {},
    "ports": [],
    "preemption_count": 0,
    "retries_used": 0,
    "exit_code": None,
    "created_at": "2026-03-01T09:30:00.000000Z",
    "queued_at": "2026-03-01T09:30:00.000000Z",
    "retry_at": None,
    "started_at": None,
    "ended_at": None,
}
DETAILED: dict[str, Any] = SHOWN | {
    "reasons": [
        {"reason": "waiting_for_dependencies", "deficits": {"ram": 0, "cpu": 0, "gpu": 0}},
        {"reason": "insufficient_capacity", "deficits": {"ram": 0, "cpu": 0, "gpu": 1}},
    ],
    "queue_position": 3,
}
_PREPARE: dict[str, Any] = {
    "docker_image": "registry.example.com/vision/prepare:1",
    "cluster_id": 1,
    "required_ram": 8,
    "required_cpu": 4,
}
BATCH: dict[str, Any] = {
    "deployments": [
        _PREPARE | {"name": "prepare a", "key": "a"},
        _PREPARE | {"name": "prepare b", "key": "b"},
        _PREPARE | {"name": "train", "required_gpu": 2, "depends_on": ["a", "b"]},
    ]
}
CHECKPOINTED: dict[str, Any] = {"at": "2026-03-01T10:15:00Z"}

WATCHED = (
    "retry: 1000\n\n: ready\nid: 1767225600000-0\n\n"
    "id: 1767225601234-0.0\nevent: deployment\n"
    'data: {"kind":"scheduled","deployment_id":7,"cluster_id":1,"organization_id":1,"at":"2026-01-01T00:00:01.230000Z",'
    '"source":"scheduler","data":{"from":"pending","to":"starting"},"status":"starting"}\n\n'
)
"""The beginning of a stream of events."""
