"""The snapshots that planning is measured on: made in memory as columns, the same each time."""

import numpy as np

from scheduling.core.columns import UNKNOWN, Heads, Ints, PendingColumns, RunningColumns
from scheduling.core.policy import Policy
from scheduling.core.state import Snapshot

LOW, MEDIUM, HIGH = 1, 2, 3
GPU = 1000
"""One device, in thousandths; with each go four cores and 16 GB."""
GPUS = 100
"""Of each cluster."""
NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
RESOURCES = ("gpu", "cpu", "ram")
ORGANIZATIONS, USERS = 4, 3
"""Who shares a cluster; each organization has so many users."""


def fleet(
    *,
    policy: Policy,
    running: int,
    clusters: int = 1000,
    pending: int = 100_000,
    runs_priority: int = HIGH,
    priorities: tuple[int, ...] = (LOW, LOW, MEDIUM),
) -> Snapshot:
    """Build a fleet whose clusters hold `running` GPUs each, one a run; those who wait ask for 1, 2 or 4.

    Rows come as the database gives them, cluster by cluster and in no other order.
    """
    dice = np.random.default_rng(1)
    held = clusters * running
    need = dice.choice([GPU, GPU, 2 * GPU, 4 * GPU], pending)
    return Snapshot(
        RESOURCES,
        _heads(clusters, policy),
        PendingColumns(
            offsets=np.linspace(0, pending, clusters + 1).astype(np.int64),
            id=np.arange(held, held + pending) + 1,
            need=_needs(need),
            priority=dice.choice(priorities, pending),
            queued_at=NOW - dice.integers(0, 300 * HOUR, pending),
            hold=np.zeros(pending, dtype=np.int8),
            seated=np.zeros(pending, dtype=np.bool_),
            organization=dice.integers(1, ORGANIZATIONS + 1, pending),
            user=dice.integers(1, USERS + 1, pending),
            reason=np.zeros(pending, dtype=np.int8),
            expected=np.where(dice.random(pending) < 0.5, dice.integers(HOUR, 48 * HOUR, pending), UNKNOWN),
        ),
        _running(np.full(held, GPU), np.full(held, runs_priority), clusters, dice),
    )


def contended(*, policy: Policy, each: int) -> Snapshot:
    """Build one full cluster: `each` HIGH ones wait against as many lower ones that run, three quarters of them LOW."""
    dice = np.random.default_rng(2)
    held = dice.choice([GPU, 2 * GPU, 4 * GPU], each)
    wanted = dice.choice([GPU, 2 * GPU, 4 * GPU], each)
    return Snapshot(
        RESOURCES,
        _heads(1, policy, gpu=int(held.sum())),
        PendingColumns(
            offsets=np.array([0, each]),
            id=np.arange(each, 2 * each) + 1,
            need=_needs(wanted),
            priority=np.full(each, HIGH),
            queued_at=NOW - dice.integers(0, 300 * HOUR, each),
            hold=np.zeros(each, dtype=np.int8),
            seated=np.zeros(each, dtype=np.bool_),
            organization=dice.integers(1, ORGANIZATIONS + 1, each),
            user=dice.integers(1, USERS + 1, each),
            reason=np.zeros(each, dtype=np.int8),
            expected=np.full(each, UNKNOWN),
        ),
        _running(held, dice.choice([LOW, LOW, LOW, MEDIUM], each), 1, dice),
    )


def _heads(clusters: int, policy: Policy, gpu: int = GPUS * GPU) -> Heads:
    zeros = np.zeros(clusters, dtype=np.int64)
    return Heads(
        id=np.arange(clusters) + 1,
        total=_needs(zeros + gpu),
        blocked=np.zeros(clusters, dtype=np.int8),
        policies=(policy,),
        policy=np.zeros(clusters, dtype=np.intp),
        now=zeros + NOW,
        work_resource=zeros,
        weights=[{}] * clusters,
        user_weights=[{}] * clusters,
        evictions_left=[None] * clusters,
        unlisted=zeros,
        unlisted_held=zeros,
    )


def _running(gpu: Ints, priority: Ints, clusters: int, dice: np.random.Generator) -> RunningColumns:
    count = len(gpu)
    return RunningColumns(
        offsets=np.linspace(0, count, clusters + 1).astype(np.int64),
        id=np.arange(count) + 1,
        need=_needs(gpu),
        priority=priority,
        started_at=NOW - dice.integers(0, 48 * HOUR, count),
        stopping=np.zeros(count, dtype=np.bool_),
        organization=dice.integers(1, ORGANIZATIONS + 1, count),
        user=dice.integers(1, USERS + 1, count),
        saved_at=np.full(count, UNKNOWN),
        evictions=np.zeros(count, dtype=np.int64),
        expected=np.full(count, UNKNOWN),
    )


def _needs(gpu: Ints) -> Ints:
    return np.asfortranarray(np.stack((gpu, gpu * 4, gpu * 16), axis=1))
