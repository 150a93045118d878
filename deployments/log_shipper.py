"""One log on its way from an engine: read in a thread of its own, handed on piece by piece without any Redis."""

import threading
from collections import deque
from collections.abc import Callable

import structlog

from clusters.runtimes.base import RuntimeFailure, Stream
from deployments.log_protocol import ONCE_BYTES, Entry, Session
from deployments.log_source import NoLog

log = structlog.get_logger(__name__)
BUFFER_BYTES = 256 * 1024
"""Of a followed log that is read faster than it is handed on; then its engine waits."""
Opener = Callable[[Session], Stream[bytes]]
Fields = dict[str, bytes | str | int]


class Shipper:
    """Reads the log of one session. `stir` is called when there is much to hand on."""

    def __init__(self, session: Session, opener: Opener, stir: Callable[[], None]) -> None:
        self.session = session
        self._opener, self._stir = opener, stir
        self._changed = threading.Condition()
        self._buffer = bytearray()
        self._marks: deque[Fields] = deque()
        self._last: Fields | None = None
        self._stream: Stream[bytes] | None = None
        self._closed = False

    def start(self) -> None:
        """Begins to read."""
        threading.Thread(target=self._run, name=f"log of run {self.session.run_id}", daemon=True).start()

    def close(self) -> None:
        """Ends the reading, from any thread; what was read is dropped."""
        with self._changed:
            self._closed = True
            stream = self._stream
            self._changed.notify_all()
        if stream is not None:
            stream.close()

    def take(self) -> tuple[list[Fields], bytes, Fields | None]:
        """What there is to hand on since the last call: marks, bytes, and the last entry once all else was taken."""
        with self._changed:
            marks, data = list(self._marks), bytes(self._buffer)
            self._marks.clear()
            self._buffer.clear()
            self._changed.notify_all()
            return marks, data, self._last

    def _run(self) -> None:
        try:
            stream = self._opener(self.session)
            with self._changed:
                self._stream = stream
                closed = self._closed
            if closed:
                stream.close()
            (self._follow if self.session.follow else self._read_once)(stream)
            last: Fields = {"kind": Entry.END}
        except NoLog as nothing:
            last = {"kind": Entry.ERROR, "status": nothing.status, "data": str(nothing)}
        except RuntimeFailure as failure:
            last = {"kind": Entry.ERROR, "status": 502, "data": str(failure)}
        except Exception:
            log.exception("log_failed", run_id=self.session.run_id)
            last = {"kind": Entry.ERROR, "status": 500, "data": "Reading the log failed on our side."}
        with self._changed:
            self._last = last
        self._stir()

    def _follow(self, stream: Stream[bytes]) -> None:
        with self._changed:
            self._marks.append({"kind": Entry.OPEN})
        self._stir()
        for piece in stream:
            with self._changed:
                while len(self._buffer) >= BUFFER_BYTES and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                self._buffer += piece

    def _read_once(self, stream: Stream[bytes]) -> None:
        """All of it before anything is told, so that a failure is answered as one."""
        pieces: deque[bytes] = deque()
        held = cut = 0
        for piece in stream:
            pieces.append(piece)
            held += len(piece)
            while held > ONCE_BYTES:
                excess = held - ONCE_BYTES
                first = pieces.popleft()
                if len(first) > excess:
                    pieces.appendleft(first[excess:])
                gone = min(excess, len(first))
                held -= gone
                cut += gone
        text = b"".join(pieces)
        if cut:
            whole_line = text.find(b"\n") + 1
            cut += whole_line
            told = f"… the first {cut} bytes are left out: a log is shown to its last {ONCE_BYTES} …\n"
            text = told.encode() + text[whole_line:]
        with self._changed:
            self._marks.append({"kind": Entry.OPEN})
            self._buffer += text
