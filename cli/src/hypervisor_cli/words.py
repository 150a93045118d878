"""Amounts, times and reasons, in words for people."""

import math
import re
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from hypervisor_client import Deployment

PRIORITIES = {1: "LOW", 2: "MEDIUM", 3: "HIGH"}
STYLES = {
    "running": "green",
    "starting": "cyan",
    "stopping": "magenta",
    "pending": "yellow",
    "failed": "red",
    "completed": "dim",
    "cancelled": "dim",
    "ready": "green",
    "paused": "yellow",
}
REASONS = {
    "insufficient_capacity": "no free room",
    "waiting_for_dependencies": "waits for others",
    "dependency_failed": "one it needs failed",
    "waiting_for_retry": "tries again soon",
    "cluster_paused": "cluster is paused",
    "cluster_unreachable": "cluster is away",
    "cluster_overcommitted": "cluster shrank",
    "exceeds_cluster": "larger than cluster",
    "reserved_for_others": "room is reserved",
    "waiting_for_eviction": "room is being made",
}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


def number(value: float) -> str:
    """At most three places, and no more than it takes."""
    return f"{value:,.3f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def needs(answer: dict[str, Any], *, of: str = "required") -> str:
    """`2 GPU, 8 CPU, 64 GB` from an answer's required_…, or its total_…; what is 0 is not told."""
    units = (("gpu", "GPU"), ("cpu", "CPU"), ("ram", "GB"))
    told = [f"{number(answer[f'{of}_{name}'])} {unit}" for name, unit in units if answer[f"{of}_{name}"]]
    return ", ".join(told) or "nothing"


def status(word: str) -> Text:
    """In its colour."""
    return Text(word, STYLES.get(word, ""))


def span(seconds: float) -> str:
    """One unit: `12 s`, `5 min`, `3 h`, `4 d`."""
    seconds = max(0, int(seconds))
    for size, unit, until in ((1, "s", 120), (60, "min", 120), (3600, "h", 48)):
        if seconds < size * until:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def since(deployment: Deployment, now: datetime | None = None) -> str:
    """How long it runs, or has ended; of what waits how long ago it was queued, for who made room or was lost keeps
    its place."""
    start = deployment.queued_at
    if deployment.is_final:
        start = deployment.ended_at or start
    elif deployment.status != "pending":
        start = deployment.started_at or start
    return span(((now or datetime.now(UTC)) - start).total_seconds())


def why(deployment: Deployment) -> str:
    """In a few words, why it waits or failed; empty if it needs no reason."""
    reason = deployment.reason
    if deployment.status == "failed" and deployment.exit_code is not None and reason in {None, "exit_code"}:
        return f"exit code {deployment.exit_code}"
    return REASONS.get(reason, reason.replace("_", " ")) if reason else ""


def clock(at: datetime, today: datetime | None = None) -> str:
    """Local time; with its day if that is another one."""
    here, now = at.astimezone(), (today or datetime.now(UTC)).astimezone()
    return f"{here:%H:%M:%S}" if here.date() == now.date() else f"{here:%Y-%m-%d %H:%M:%S}"


def seconds_of(text: str) -> float:
    """Of `90`, `90s`, `15m`, `2h`, `1.5d`. Raises ValueError."""
    found = DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * UNITS[found[2] or "s"] if found else math.nan
    if not math.isfinite(seconds):
        raise ValueError(
            f"{text!r} is no duration. Write seconds, or a number with s, m, h or d, such as 15m."
        )
    return seconds


def plural(count: int, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def own_name(image: str) -> str:
    """`team/train:1.4` → `train`."""
    return image.rsplit("/", 1)[-1].split("@")[0].split(":")[0]
