"""What comes piece by piece from an API server: logs, and word that something happened."""

import json
import threading
from collections.abc import Callable, Iterator

from .base import RuntimeFailure
from .http import Answer, ByteStream
from .kubernetes_json import not_kubernetes, text_at
from .kubernetes_refusals import Refusal, failure_of_refusal, refusal_of
from .wire import too_slow

_SILENCE = str(too_slow())
_MAX_ERROR_BYTES = 64 * 1024
_MAX_EVENT_BYTES = 8 * 1024 * 1024


class Changes:
    """A piece for each event of a watch. It ends quietly, however the server ends it."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[None]:
        try:
            for line in _lines(self._stream):
                kind = _kind(line)
                if kind == "ERROR":
                    return
                if kind != "BOOKMARK":
                    yield None
        finally:
            self._stream.close()

    def close(self) -> None:
        """See `Stream.close`."""
        self._stream.close()


class Follow:
    """The log of a container that runs, until it ends.

    A kubelet sends the head of its answer together with the first line. A head that does not come in time only means
    that nothing was written yet, so it is asked again: no line is lost, since none was sent.
    """

    def __init__(self, connect: Callable[[], ByteStream]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._stream: ByteStream | None = None
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        stream = self._opened()
        if stream is not None:
            yield from stream

    def close(self) -> None:
        """See `Stream.close`. Before the first line it may take ten seconds until the other thread is told."""
        with self._lock:
            self._closed = True
            stream = self._stream
        if stream is not None:
            stream.close()

    def _opened(self) -> ByteStream | None:
        while not self._closed:
            try:
                stream = started_log(self._connect())
            except RuntimeFailure as failure:
                if str(failure) != _SILENCE:
                    raise
                continue
            with self._lock:
                self._stream = stream
                if not self._closed:
                    return stream
            stream.close()
        return None


def started_log(stream: ByteStream) -> ByteStream:
    """The log, if it is one. Raises the RuntimeFailure that the server's refusal means."""
    if stream.status == 200:
        return stream
    answer = _read(stream)
    refusal = refusal_of(answer)
    if refusal is Refusal.ABSENT:
        raise no_logs()
    if refusal is Refusal.INVALID:
        # With our fixed and valid query there is one more reason for it: the container has not been made.
        raise nothing_written()
    raise failure_of_refusal(answer, "read the logs of pods")


def started_watch(stream: ByteStream) -> Changes:
    """The watch, if it is one. Raises the RuntimeFailure that the server's refusal means."""
    if stream.status == 200:
        return Changes(stream)
    raise failure_of_refusal(_read(stream), "watch pods in all namespaces")


def no_logs() -> RuntimeFailure:
    """The failure for logs that are not there, and will not be."""
    return RuntimeFailure("The cluster has no logs of this run: its pod is gone.", permanent=True)


def nothing_written() -> RuntimeFailure:
    """The failure for logs that are not there yet."""
    return RuntimeFailure("The container has not written anything yet.", permanent=False)


def _read(stream: ByteStream) -> Answer:
    content = b""
    try:
        for chunk in stream:
            content += chunk
            if len(content) > _MAX_ERROR_BYTES:
                break
    finally:
        stream.close()
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    return Answer(stream.status, body, stream.headers)


def _lines(stream: ByteStream) -> Iterator[bytes]:
    buffer = bytearray()
    for chunk in stream:
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
        if len(buffer) > _MAX_EVENT_BYTES:
            raise not_kubernetes()


def _kind(line: bytes) -> str:
    try:
        kind = text_at(json.loads(line), "type")
    except (ValueError, RecursionError):
        kind = ""
    if not kind:
        raise not_kubernetes()
    return kind
