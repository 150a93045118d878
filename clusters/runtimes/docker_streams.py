"""What a Docker engine tells as it happens: logs and events. Nothing is gathered, however long a line is."""

from collections.abc import Iterator

from .base import RuntimeFailure
from .docker_api import not_docker
from .http import ByteStream

_HEADER_BYTES = 8
_STREAMS = frozenset({0, 1, 2})


class EmptyStream:
    """No bytes at all."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """See `Stream.close`."""


class LogStream:
    """The output of a container, without the frames that tell stdout from stderr. A torn last frame is fine."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        header, left = b"", 0
        for chunk in self._stream:
            while chunk:
                if left:
                    piece, chunk = chunk[:left], chunk[left:]
                    left -= len(piece)
                    yield piece
                    continue
                missing = _HEADER_BYTES - len(header)
                header, chunk = header + chunk[:missing], chunk[missing:]
                if len(header) == _HEADER_BYTES:
                    if header[0] not in _STREAMS or any(header[1:4]):
                        self.close()
                        raise not_docker()
                    left, header = int.from_bytes(header[4:]), b""

    def close(self) -> None:
        """See `Stream.close`."""
        self._stream.close()


class EventStream:
    """A piece for each event: what it says does not matter. It never ends by itself, unless the engine does."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._closed = False

    def __iter__(self) -> Iterator[None]:
        for chunk in self._stream:
            for _ in range(chunk.count(b"\n")):
                yield None
        if not self._closed:
            raise RuntimeFailure("The engine went away.", permanent=False)

    def close(self) -> None:
        """See `Stream.close`."""
        self._closed = True
        self._stream.close()
