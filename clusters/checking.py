"""Asking an engine from a web process: a worker does it, and the request waits for what it found."""

from collections.abc import Mapping
from typing import Any

from accounts.errors import Unavailable
from clusters.amounts import RESOURCES
from clusters.models import Cluster, Runtime
from clusters.replies import ask

WAIT_SECONDS = 10.0
WAIT_AFTER_WRITE_SECONDS = 8.0


def check_now(*, cluster_id: int) -> dict[str, Any]:
    """What the engine says of itself, within 10 seconds. Raises Unavailable if no worker answers."""
    answer = _asked(cluster_id, WAIT_SECONDS)
    if answer is None:
        raise Unavailable(
            f"No engine worker answered within {WAIT_SECONDS:.0f} seconds. Only workers reach engines: see that one "
            "runs that takes the queue `engines`, and try again."
        )
    return answer


def wants_check(*, cluster: Cluster, written: Mapping[str, Any]) -> bool:
    """Whether this write made the engine worth asking at once: another connection, or a size left to it."""
    sized = any(written.get(f"total_{name}", 0) is None for name in RESOURCES)
    return cluster.runtime != Runtime.SIMULATED and ("connection" in written or sized)


def check_after_write(*, cluster_id: int) -> bool:
    """Let a cluster that was just written show what its engine has; False if no worker answered in 8 seconds."""
    return _asked(cluster_id, WAIT_AFTER_WRITE_SECONDS) is not None


def _asked(cluster_id: int, seconds: float) -> dict[str, Any] | None:
    from clusters.tasks import check

    answer: dict[str, Any] | None = ask(check, cluster_id, seconds=seconds)
    return answer
