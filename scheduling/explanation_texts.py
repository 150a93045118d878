"""An explanation in sentences: what a person reads first."""

from collections.abc import Sequence
from datetime import datetime

from clusters.amounts import RESOURCES, UNITS, to_wire
from deployments.models import Deployment, Priority
from deployments.states import Status
from scheduling.core.amounts import Amount
from scheduling.core.changes import Change, Kind
from scheduling.core.explain import Explanation
from scheduling.core.forecast import Unknown
from scheduling.core.forks import Effect
from scheduling.core.reasons import Reason
from scheduling.core.waiting import Cause

ASSUMES = (
    "Nobody else submits, nothing fails or is changed. earliest and latest: everything takes as long as one in ten, or "
    "nine in ten, of its kind, or as its time limit allows."
)
UNKNOWN = {
    Unknown.HELD: "Nobody can say when what holds it is over.",
    Unknown.CLUSTER: "Nobody can say when its cluster is ready.",
    Unknown.NEVER: "It asks for more than the whole cluster has.",
    Unknown.ENDS: "Too little is known of when those end who hold the room: no expected_seconds, no time limit, and no "
    "finished runs of the same kind.",
    Unknown.TOO_FAR: "Too many others must end before it.",
}
WAITS = {
    Reason.DEPENDENCY_FAILED: "something that it waits for failed or was cancelled",
    Reason.WAITING_FOR_DEPENDENCIES: "something that it waits for has not completed",
    Reason.WAITING_FOR_RETRY: "its retry is not due yet",
    Reason.CLUSTER_UNREACHABLE: "the cluster's engine does not answer",
    Reason.CLUSTER_PAUSED: "the cluster is paused",
    Reason.CLUSTER_OVERCOMMITTED: "the cluster shrank below what it holds",
    Reason.EXCEEDS_CLUSTER: "it asks for more than the whole cluster has",
    Reason.WAITING_FOR_EVICTION: "room is promised to it, and those who make it are stopping",
    Reason.INSUFFICIENT_CAPACITY: "there is not enough free room",
    Reason.RESERVED_FOR_OTHERS: "what is free is promised to others",
}
ENDED = {
    Status.STARTING: "It is starting.",
    Status.RUNNING: "It is running.",
    Status.STOPPING: "It is stopping.",
    Status.COMPLETED: "It completed.",
    Status.FAILED: "It failed",
    Status.CANCELLED: "It was cancelled.",
}
READY = {
    Reason.CLUSTER_PAUSED: "the cluster is resumed",
    Reason.CLUSTER_UNREACHABLE: "the cluster's engine answers again",
}


ONE = {"gpu": "GPU", "cpu": "core", "ram": "GB of RAM"}


def quantity(name: str, value: int) -> str:
    """One amount: "2 GPUs", "1 core", "0.5 GB of RAM"."""
    number = to_wire(name, value)
    return f"{number} {ONE[name] if number == 1 else UNITS[name]}"


def in_words(amount: Amount) -> str:
    """Several, without what is nothing: "2 GPUs, 8 cores"."""
    told = [quantity(name, value) for name, value in zip(RESOURCES, amount, strict=True) if value]
    return ", ".join(told) or "nothing"


def not_waiting(deployment: Deployment) -> str:
    """What one that is not pending does, or how it ended."""
    if deployment.status == Status.FAILED:
        return f"It failed: {deployment.reason}. Start it again to queue it anew."
    return f"{ENDED[Status(deployment.status)]} Nothing holds it."


def summary(explanation: Explanation) -> str:
    """Why it waits, in a sentence or two."""
    if explanation.next_cycle is Effect.STARTS:
        return "The next cycle starts it."
    if explanation.next_cycle is Effect.SEAT:
        return "The next cycle promises it room; it starts when those who make it have gone."
    why = "; ".join(_why(cause) for cause in explanation.causes) or "others go first"
    several = len(explanation.causes) > 1 and not explanation.changes
    return f"It waits: {why}." + (" No single change would start it." if several else "")


def _why(cause: Cause) -> str:
    lacks = f" (short of {in_words(cause.deficits)})" if any(cause.deficits) else ""
    return WAITS[cause.reason] + lacks


def _likely(at: datetime | None) -> str:
    return f", likely at {at:%Y-%m-%d %H:%M} UTC" if at else "; nobody knows when"


def change_in_words(
    change: Change,
    *,
    need: Amount,
    blocked: Sequence[Reason],
    run: str | None,
    at: datetime | None,
    cluster: str | None,
) -> str:
    """One change, and what it does. `run`, `cluster`: what it names, as the user may know it."""
    match change.kind:
        case Kind.DEPENDENCIES_MET:
            if_ = "all that it waits for have completed" if run is None else f"{run} completes" + _likely(at)
        case Kind.RETRY_DUE:
            if_ = "its retry is due"
        case Kind.RUN_ENDS:
            if_ = f"{run} ends" + _likely(at)
        case Kind.CLUSTER_READY:
            if_ = (
                " and ".join(READY[reason] for reason in blocked if reason in READY) or "the cluster is ready"
            )
        case Kind.ASK_FOR_LESS:
            name = RESOURCES[change.resource or 0]
            now = to_wire(name, need[change.resource or 0])
            less = f"at most {quantity(name, change.amount)}" if change.amount else f"no {UNITS[name]}"
            if_ = f"it asks for {less} instead of {now}"
        case Kind.ANOTHER_CLUSTER:
            if_ = f"it is moved to cluster {cluster}"
        case Kind.ANOTHER_PRIORITY:
            if_ = f"its priority is {Priority(change.priority or 0).label}"
    count = len(change.evicts)
    stops = f" {count} {'run is' if count == 1 else 'runs are'} told to stop for it." if count else ""
    if change.effect is Effect.SEAT:
        return f"It is promised room if {if_}, and starts when those who make it have gone.{stops}"
    word = "when" if change.kind in {Kind.DEPENDENCIES_MET, Kind.RETRY_DUE, Kind.RUN_ENDS} else "if"
    return f"It starts {word} {if_}.{stops}"
