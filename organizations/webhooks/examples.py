"""What the API documentation shows of webhooks."""

from typing import Any

ASKED: dict[str, Any] = {
    "url": "https://hooks.example.com/gpu",
    "events": ["deployment.failed", "deployment.completed", "cluster"],
}
SHOWN: dict[str, Any] = {
    "id": 1,
    "organization_id": 1,
    "url": "https://hooks.example.com/gpu",
    "events": ["cluster", "deployment.completed", "deployment.failed"],
    "active": True,
    "disabled_reason": "",
    "failures": 0,
    "failing_since": None,
    "retry_at": None,
    "old_secret_until": None,
    "created_at": "2026-01-01T12:00:00Z",
}
CREATED = SHOWN | {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwQ4p6b1nZ0hE="}
LISTED: dict[str, Any] = {
    "id": 17,
    "webhook_id": 1,
    "message_id": "6f1d2a3e-4c56-4b7a-9e01-2f3a4b5c6d7e",
    "kinds": ["deployment.failed"],
    "state": "pending",
    "attempts": 1,
    "created_at": "2026-01-01T12:00:00Z",
    "next_attempt_at": "2026-01-01T12:00:10Z",
    "attempted_at": "2026-01-01T12:00:00Z",
    "response_status": 503,
    "duration_ms": 41,
    "error": "It answered 503.",
}
DELIVERY = LISTED | {
    "body": '{"organization_id":1,"events":[{"event":"deployment","kind":"failed","deployment_id":7,"cluster_id":1,'
    '"organization_id":1,"at":"2026-01-01T12:00:00Z","source":"runtime","data":{"from":"running","to":"failed",'
    '"exit_code":1,"reason":"non_zero_exit","detail":""},"status":"failed"}]}'
}
