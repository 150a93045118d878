"""What the schema shows of shares: a good request, and its answer."""

from typing import Any

ASKED: dict[str, Any] = {
    "shares": [{"organization_id": 1, "weight": 2}, {"organization_id": 7, "weight": 1}],
}
SHOWN: dict[str, Any] = {"cluster_id": 1, **ASKED}
