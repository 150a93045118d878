"""What the schema shows of registry credentials: a good request, and its answer."""

from typing import Any

ASKED: dict[str, Any] = {
    "name": "team registry",
    "server": "registry.example.com:5000",
    "username": "puller",
    "password": "a token that may only pull",
}
SHOWN: dict[str, Any] = {
    "id": 3,
    "name": "team registry",
    "server": "registry.example.com:5000",
    "username": "puller",
    "created_at": "2026-03-01T09:00:00.000000Z",
}
