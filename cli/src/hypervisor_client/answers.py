"""What the service answers, as dataclasses; `raw` has all of it, also what a newer service adds."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

STATUSES = ("pending", "starting", "running", "stopping", "completed", "failed", "cancelled")
FINAL = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Built from a JSON object. Times become datetimes in UTC."""

    raw: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """The answer of this kind in a JSON object; what it does not tell keeps its default."""
        known = {
            one.name: _value(one, data[one.name])
            for one in dataclasses.fields(cls)
            if one.name != "raw" and one.name in data
        }
        return cls(raw=dict(data), **known)


def moment(text: str) -> datetime:
    """An RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _value(one: "dataclasses.Field[Any]", value: Any) -> Any:
    is_time = one.type in {datetime, datetime | None}
    return moment(value) if is_time and isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Organization(Answer):
    """`invite_code`: only for those who may invite."""

    id: int
    name: str
    role: str
    invite_code: str | None = None
    invite_expires_at: datetime | None = None
    invite_uses_left: int | None = None


@dataclass(frozen=True, kw_only=True)
class Member(Answer):
    user_id: int
    username: str
    role: str
    joined_at: datetime


@dataclass(frozen=True, kw_only=True)
class Cluster(Answer):
    """RAM in GB, CPU in cores, GPU in devices."""

    id: int
    name: str
    organization_id: int
    runtime: str
    paused: bool
    state: str
    total_ram: float
    total_cpu: float
    total_gpu: float
    available_ram: float
    available_cpu: float
    available_gpu: float
    allocated_ram: float
    allocated_cpu: float
    allocated_gpu: float
    engine_problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Deployment(Answer):
    """`priority`: 1 LOW, 2 MEDIUM, 3 HIGH. `reasons` and `queue_position` only from `get`."""

    id: int
    name: str
    docker_image: str
    status: str
    reason: str | None
    priority: int
    cluster_id: int
    organization_id: int
    required_ram: float
    required_cpu: float
    required_gpu: float
    created_by: str | None
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    preemption_count: int = 0
    retries_used: int = 0
    dependency_ids: list[int] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    queue_position: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended, for good unless somebody starts it anew."""
        return self.status in FINAL


@dataclass(frozen=True, kw_only=True)
class Submitted(Answer):
    """One of a batch."""

    index: int
    key: str | None
    id: int


@dataclass(frozen=True, kw_only=True)
class Run(Answer):
    """One attempt to run a deployment."""

    id: int
    cluster_id: int
    booked_at: datetime
    running_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    exit_code: int | None = None
    failure: str | None = None
    detail: str = ""
    device_ids: list[int] | None = None


@dataclass(frozen=True, kw_only=True)
class StoryEvent(Answer):
    """One thing that happened to a deployment."""

    id: int
    at: datetime
    kind: str
    source: str
    actor: str | None = None
    run_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Explanation(Answer):
    """Why a deployment waits, and what would let it start. The parts are JSON objects as in /docs."""

    deployment_id: int
    cluster_id: int
    status: str
    summary: str
    policy: str | None = None
    next_cycle: str | None = None
    queue_position: int | None = None
    queue_length: int | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    waits_for: list[dict[str, Any]] = field(default_factory=list)
    suggestions: list[dict[str, Any]] = field(default_factory=list)
    start: dict[str, Any] | None = None
    holders: list[dict[str, Any]] = field(default_factory=list)
    releases: list[dict[str, Any]] = field(default_factory=list)
    unknown_ends: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan(Answer):
    """What a scheduling cycle would do now. The parts are JSON objects as in /docs."""

    cluster_id: int
    at: datetime
    policy: str
    pending: int
    starts: list[dict[str, Any]] = field(default_factory=list)
    seats: list[dict[str, Any]] = field(default_factory=list)
    evictions: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Event(Answer):
    """One message of the live stream. `topic`: `deployment` or `cluster`, something happened; `ready`, the stream
    stands; `reset`, what lay between is gone. After the last two fetch anew what you show."""

    topic: str
    kind: str = ""
    deployment_id: int | None = None
    cluster_id: int | None = None
    organization_id: int | None = None
    at: datetime | None = None
    source: str = ""
    status: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
