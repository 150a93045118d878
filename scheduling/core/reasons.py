"""Why a deployment waits: a closed list, the same words in code, API, console and docs."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Each value is stored on a pending deployment and shown to its user."""

    WAITING_FOR_DEPENDENCIES = "waiting_for_dependencies"
    DEPENDENCY_FAILED = "dependency_failed"
    WAITING_FOR_RETRY = "waiting_for_retry"
    CLUSTER_PAUSED = "cluster_paused"
    CLUSTER_UNREACHABLE = "cluster_unreachable"
    CLUSTER_OVERCOMMITTED = "cluster_overcommitted"
    EXCEEDS_CLUSTER = "exceeds_cluster"
    INSUFFICIENT_CAPACITY = "insufficient_capacity"
    RESERVED_FOR_OTHERS = "reserved_for_others"
    WAITING_FOR_EVICTION = "waiting_for_eviction"


REASONS: tuple[Reason | None, ...] = (None, *Reason)
"""Code → reason, as the columns of a snapshot and of a plan hold it; code 0 is none."""
CODES: Mapping[Reason | None, int] = {reason: code for code, reason in enumerate(REASONS)}
