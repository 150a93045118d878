"""What a simulated container would have written, made up from its stored times alone."""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from threading import Event
from typing import Any

from .simulated_store import Life, moment

_PROGRESS_PERCENT = (25, 50, 75, 100)
_LOOK_SECONDS = 0.5


class LogStream:
    """The last `tail` lines, then with `follow` each new one until the container has ended.

    `read` answers all lines so far, and whether more will come.
    """

    def __init__(self, read: Callable[[], tuple[list[str], bool]], *, tail: int, follow: bool) -> None:
        self._read, self._tail, self._follow = read, tail, follow
        self._closed = Event()

    def __iter__(self) -> Iterator[bytes]:
        lines, more = self._read()
        told = max(0, len(lines) - max(0, self._tail))
        while True:
            for line in lines[told:]:
                yield f"{line}\n".encode()
            told = max(told, len(lines))
            if not self._follow or not more or self._closed.wait(_LOOK_SECONDS):
                return
            lines, more = self._read()

    def close(self) -> None:
        """See `Stream.close`."""
        self._closed.set()


def log_lines(life: Life, spec: Mapping[str, Any], now: int) -> list[str]:
    """The lines written until `now` (microseconds, the engine's clock), oldest first, with their times."""
    cpu_milli, ram_mib, gpu_milli = spec["amounts"]
    command = " ".join(spec["command"]) or "the image's own command"
    written = [(life.created_at, f"simulated container of {spec['image']} created")]
    if life.started(now):
        written.append((life.running_at, f"{command} started"))
        written.append(
            (life.running_at, f"given {cpu_milli / 1000:g} CPU, {ram_mib} MiB, {gpu_milli / 1000:g} GPU")
        )
        written += _progress(life)
    if life.stop_at is not None:
        written.append((life.stop_at, "SIGTERM received"))
    if life.ends_at is not None:
        written.append((life.ends_at, f"ended with exit code {life.exit_code}"))
    return [
        f"{moment(at).isoformat(timespec='milliseconds')} {line}"
        for at, line in sorted(written, key=itemgetter(0))
        if at <= now
    ]


def _progress(life: Life) -> list[tuple[int, str]]:
    """A run without an end has no progress, nor has one whose end was moved by a stop."""
    if life.ends_at is None or life.stop_at is not None:
        return []
    lasts = life.ends_at - life.running_at
    return [
        (life.running_at + lasts * percent // 100, f"progress {percent} %") for percent in _PROGRESS_PERCENT
    ]
