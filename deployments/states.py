"""The life of a deployment as one table. A move that is not in it does not exist."""

from django.db import models


class Status(models.TextChoices):
    """As on the wire."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.STARTING, Status.CANCELLED}),
    Status.STARTING: frozenset(
        {Status.RUNNING, Status.STOPPING, Status.COMPLETED, Status.FAILED, Status.PENDING}
    ),
    Status.RUNNING: frozenset({Status.STOPPING, Status.COMPLETED, Status.FAILED, Status.PENDING}),
    Status.STOPPING: frozenset({Status.COMPLETED, Status.FAILED, Status.PENDING}),
    Status.COMPLETED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
}
HOLDS_CAPACITY = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING})
FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
STOPPABLE = frozenset({Status.STARTING, Status.RUNNING})
CANCELLABLE = frozenset({Status.PENDING})
STARTABLE = frozenset({Status.PENDING}) | FINAL
DELETABLE = frozenset({Status.PENDING}) | FINAL
CHANGEABLE = frozenset({Status.PENDING})
RENAMABLE = frozenset(Status) - FINAL


def may_move(old: Status, new: Status) -> bool:
    """Whether the table has the move."""
    return new in MOVES[old]


def allowed_actions(status: Status, *, stopping_for_preemption: bool = False) -> list[str]:
    """What a user may do in this state, for the 409 that refuses something else."""
    actions = {
        "start": STARTABLE,
        "stop": STOPPABLE,
        "report a checkpoint": HOLDS_CAPACITY,
        "cancel": CANCELLABLE,
        "delete": DELETABLE,
        "change requirements": CHANGEABLE,
        "change name or priority": RENAMABLE,
    }
    found = [action for action, states in actions.items() if status in states]
    if stopping_for_preemption:
        found.append("stop")
    return sorted(found)
