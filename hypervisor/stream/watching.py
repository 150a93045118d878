"""Those who watch events: who gets which, and what waits for each of them."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from clusters.event_protocol import Filter, Position

BUFFER_BYTES = 512 * 1024
"""So much may wait for one that does not read; then it is cut off, and resumes from Redis at its own pace."""


class Row(NamedTuple):
    """One event of an entry. `told` are the fields that it shares with others."""

    place: int
    told: list[Any]
    deployment_id: int | None
    cluster_id: int


class Entry:
    """An entry of the stream, taken apart; each event is put into words once, for all who get it."""

    def __init__(self, id_: str, raw: bytes) -> None:
        self.id = id_
        self.rows: dict[int, list[Row]] = defaultdict(list)
        """By organization."""
        self._frames: dict[int, bytes] = {}
        place = 0
        for *told, rows in orjson.loads(raw):
            for deployment_id, cluster_id, organization_id in rows:
                self.rows[organization_id].append(Row(place, told, deployment_id, cluster_id))
                place += 1

    def matching(self, filter_: Filter, *, beyond: int = -1) -> bytes:
        """The messages for this filter, those behind this place alone."""
        wanted = set(self.rows)
        if filter_.organizations is not None:
            wanted &= filter_.organizations
        found = [
            (row.place, organization_id, row)
            for organization_id in wanted
            for row in self.rows[organization_id]
            if row.place > beyond
            and filter_.cluster_id in {None, row.cluster_id}
            and filter_.deployment_id in {None, row.deployment_id}
        ]
        if len(wanted) > 1:
            found.sort()
        return b"".join([self._frame(organization_id, row) for _, organization_id, row in found])

    def _frame(self, organization_id: int, row: Row) -> bytes:
        made = self._frames.get(row.place)
        if made is None:
            topic, kind, source, at, status, data = row.told
            shown = {
                "kind": kind,
                "deployment_id": row.deployment_id,
                "cluster_id": row.cluster_id,
                "organization_id": organization_id,
                "at": at,
                "source": source,
                "data": data,
                "status": status,
            }
            id_ = str(Position(self.id, row.place))
            made = b"id: %b\nevent: %b\ndata: %b\n\n" % (id_.encode(), topic.encode(), orjson.dumps(shown))
            self._frames[row.place] = made
        return made


class Watcher:
    """One client. `is_cut`: it did not keep up, or the process ends; nothing comes any more."""

    def __init__(self, filter_: Filter) -> None:
        self.filter = filter_
        self.is_cut = False
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._rang = asyncio.Event()

    def push(self, frames: bytes) -> None:
        """These are the next for it."""
        if self.is_cut:
            return
        self._waiting.append(frames)
        self._size += len(frames)
        if self._size > BUFFER_BYTES:
            self.cut()
        self._rang.set()

    def cut(self) -> None:
        """It gets no more than it has; what it missed it asks for when it comes again."""
        self.is_cut = True
        self._waiting.clear()
        self._rang.set()

    async def next(self, seconds: float) -> bytes:
        """What came meanwhile, or b"" if nothing comes within this time."""
        if not self._waiting and not self.is_cut:
            self._rang.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._rang.wait()
        frames = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        return frames


class Watchers:
    """All of them, by what they watch: those of one filter share the bytes, and nobody else is looked at."""

    def __init__(self) -> None:
        self.count = 0
        self._of: dict[Filter, set[Watcher]] = {}
        self._filters: dict[int | None, set[Filter]] = defaultdict(set)
        """Organization (None: all) → the filters that let it through."""

    def add(self, watcher: Watcher) -> None:
        """From now on it gets what comes."""
        self.count += 1
        of = self._of.setdefault(watcher.filter, set())
        of.add(watcher)
        if len(of) == 1:
            for key in _keys(watcher.filter):
                self._filters[key].add(watcher.filter)

    def remove(self, watcher: Watcher) -> None:
        """It gets nothing any more."""
        self.count -= 1
        of = self._of[watcher.filter]
        of.remove(watcher)
        if of:
            return
        del self._of[watcher.filter]
        for key in _keys(watcher.filter):
            self._filters[key].remove(watcher.filter)
            if not self._filters[key]:
                del self._filters[key]

    def deliver(self, entry: Entry) -> None:
        """To each what its filter lets through."""
        wanted: set[Filter] = set()
        for key in (None, *entry.rows):
            wanted |= self._filters.get(key, set())
        for filter_ in wanted:
            if frames := entry.matching(filter_):
                for watcher in self._of[filter_]:
                    watcher.push(frames)

    def tell_all(self, frame: bytes) -> None:
        """The same to everybody."""
        for watcher in self:
            watcher.push(frame)

    def __iter__(self) -> Iterator[Watcher]:
        return iter([watcher for of in self._of.values() for watcher in of])


def _keys(filter_: Filter) -> Iterable[int | None]:
    return (None,) if filter_.organizations is None else filter_.organizations
