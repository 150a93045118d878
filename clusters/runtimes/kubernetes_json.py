"""Reading what an API server sent without trusting it: what has the wrong shape reads as absent."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .base import RuntimeFailure

Object = Mapping[str, Any]

_YEARS = range(2000, 9000)  # a container that never started has "started" in 1970


def not_kubernetes() -> RuntimeFailure:
    """The failure for an answer that makes no sense."""
    return RuntimeFailure(
        "What answers at this address does not speak as a Kubernetes API server.", permanent=False
    )


def mapping_at(value: Any, *path: str) -> Object:
    """The object at the path; empty when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text_at(value: Any, *path: str) -> str:
    """The text at the path; "" when there is none."""
    found = mapping_at(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def objects_at(value: Any, *path: str) -> list[Object]:
    """The objects of the list at the path; none when it is null or absent."""
    found = mapping_at(value, *path[:-1]).get(path[-1])
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def time_at(value: Any, *path: str) -> datetime | None:
    """The time at the path in UTC; None when there is none that can be."""
    try:
        moment = datetime.fromisoformat(text_at(value, *path))
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year not in _YEARS:
        return None
    return moment.astimezone(UTC)


def conditions_of(value: Any) -> Iterator[tuple[str, Object]]:
    """The conditions of an object's status that are true, by their type."""
    for condition in objects_at(value, "status", "conditions"):
        if condition.get("status") == "True":
            yield text_at(condition, "type"), condition


def earlier(moment: datetime | None, by: timedelta) -> datetime | None:
    """A time, corrected by how far the clock that told it is ahead of ours."""
    return None if moment is None else moment - by
