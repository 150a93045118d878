"""From a run to the bytes that it wrote: its engine's, or the tail that was kept. Only engine workers call this.

No database connection is held while a log is read, and none while a run is waited for.
"""

from collections.abc import Iterable, Iterator
from threading import Event

from django.db import connection

from accounts import secrets
from clusters.drivers import driver_for
from clusters.runtimes.base import RuntimeFailure, Stream
from deployments.log_protocol import Session, last_lines
from deployments.models import Run

LOOK_SECONDS = 0.5
GONE = "The engine no longer has the log of this run, and none was kept."


class NoLog(Exception):
    """Why there is nothing to read: a sentence for the user, and its HTTP status."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.status = status


def open_log(session: Session) -> Stream[bytes]:
    """What the run wrote, piece by piece; of a run that still waits for its engine, from its start on. Raises NoLog."""
    run = _look(session.run_id)
    if _waits_for_its_engine(run):
        if not session.follow:
            raise NoLog(
                f"Run {run.pk} has not started yet. Ask again in a moment, or with follow=true, which waits for it.",
                status=409,
            )
        return _Later(session)
    return _opened(run, session)


class _Kept:
    """What is there already."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        """See `Stream.close`."""


class _Engine:
    """The engine's own stream, whose end with the container is no failure."""

    def __init__(self, stream: Stream[bytes], run_id: int) -> None:
        self._stream, self._run_id = stream, run_id

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except RuntimeFailure as failure:
            # An ended container may be removed before its last lines were asked for.
            if not (failure.permanent and _look(self._run_id).outcome):
                raise

    def close(self) -> None:
        """See `Stream.close`."""
        self._stream.close()


class _Later:
    """The log of a run that waits for its engine."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._closed = Event()
        self._stream: Stream[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        run = _look(self._session.run_id)
        while _waits_for_its_engine(run):
            if self._closed.wait(LOOK_SECONDS):
                return
            run = _look(self._session.run_id)
        try:
            self._stream = _opened(run, self._session)
        except NoLog as nothing:
            raise RuntimeFailure(str(nothing), permanent=True) from nothing
        if not self._closed.is_set():
            yield from self._stream

    def close(self) -> None:
        """See `Stream.close`."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()


def _opened(run: Run, session: Session) -> Stream[bytes]:
    handle = _handle(run)
    try:
        if not handle:
            raise RuntimeFailure(GONE, permanent=True)
        stream = driver_for(run.cluster).logs(handle, session.tail, follow=session.follow)
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        if run.log_kept_at:
            return _Kept([last_lines(run.log_tail, session.tail).encode()])
        if run.outcome:
            raise NoLog(GONE, status=410) from failure
        raise NoLog(str(failure), status=502) from failure
    return _Engine(stream, run.pk)


def _look(run_id: int) -> Run:
    try:
        run: Run | None = (
            Run.objects.select_related("cluster").prefetch_related("allocations").filter(pk=run_id).first()
        )
    finally:
        connection.close()
    if run is None:
        raise NoLog("There is no such run any more.", status=404)
    return run


def _handle(run: Run) -> str:
    return next((one.handle for one in run.allocations.all() if one.index == 0), "")


def _waits_for_its_engine(run: Run) -> bool:
    return run.outcome is None and not _handle(run)
