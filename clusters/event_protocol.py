"""The words between all who tell of events and the stream process that passes them on: one Redis stream, one header.

Pure, because both sides import it. An entry of the stream holds what one transaction told, or a part of it: a JSON list
of announcements, each `[topic, kind, source, at, status, data, rows]`, whose rows are
`[deployment id or null, cluster id, organization id]`. So twenty thousand starts are told in a few kilobytes.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

STREAM = "events"
TOLD, LOST = "told", "lost"
"""Fields of an entry: the announcements; and, instead, that somebody could not tell what happened."""
EVENTS_HEADER = "X-Hypervisor-Events"
"""On an answer of web: which events the client gets in its place."""

MOST_ENTRIES = 5000
ENTRY_BYTES = 16 * 1024
"""An entry is closed when it has so many, so all of the stream stays below 80 MB, and is far smaller as a rule."""
MOST_ROWS = 500
"""Of one announcement in one entry."""
LONGEST_POSITION = 64
_POSITION = re.compile(r"(\d{1,20})-(\d{1,20})(?:\.(\d{1,9}))?")


class Position(NamedTuple):
    """A place in the stream: behind the event at this place in an entry, or behind all of it (None)."""

    entry: str
    place: int | None

    def __str__(self) -> str:
        return self.entry if self.place is None else f"{self.entry}.{self.place}"


def parse_position(text: str) -> Position | None:
    """The position that a client gives back; None for one that is none of ours."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return None
    entry = f"{int(found[1])}-{int(found[2])}"
    return Position(entry, None if found[3] is None else int(found[3]))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events somebody gets: those of `organizations` (None: of all) that match the other two where given."""

    organizations: frozenset[int] | None
    cluster_id: int | None = None
    deployment_id: int | None = None


def write_header(filter_: Filter, after: str) -> str:
    """The header's value. `after`: what the client said it has seen last; empty for one that begins now."""
    organizations = None if filter_.organizations is None else sorted(filter_.organizations)
    told = [organizations, filter_.cluster_id, filter_.deployment_id, after[:LONGEST_POSITION]]
    return json.dumps(told, separators=(",", ":"))


def read_header(value: str) -> tuple[Filter, str]:
    """What `write_header` wrote."""
    told: list[Any] = json.loads(value)
    organizations, cluster_id, deployment_id, after = told
    return Filter(
        None if organizations is None else frozenset(organizations), cluster_id, deployment_id
    ), after
