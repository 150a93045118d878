"""Where the embedded servers keep data and sockets, and the lock that gives a data folder one owner."""

import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hypervisor.embedded.errors import AlreadyRunningError, DataFolderError

SOCKET_PATH_LIMIT = 103
"""Bytes. Linux allows 107 and macOS 103; a longer path cannot be bound."""

_LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
LEFTOVER_SECONDS = 8.0
"""How long the guard of a killed owner may hold the lock while it ends the leftovers."""


@dataclass(frozen=True, slots=True)
class Location:
    """What lies where. Sockets live elsewhere when the data folder's path is too long for them."""

    data_dir: Path
    sockets: Path

    @property
    def postgres(self) -> Path:
        """The PostgreSQL cluster."""
        return self.data_dir / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file."""
        return self.data_dir / "valkey"

    @property
    def valkey_socket(self) -> Path:
        """Where Valkey listens."""
        return self.sockets / "valkey.sock"

    @property
    def web_socket(self) -> Path:
        """Where web listens for the stream process in front of it."""
        return self.sockets / "web.sock"

    @property
    def logs(self) -> Path:
        """One bounded log a child."""
        return self.data_dir / "logs"


def prepare_location(data_dir: Path) -> Location:
    """Makes the folders, closed to other users. Raises DataFolderError if that cannot be done."""
    data_dir = data_dir.expanduser().absolute()
    location = Location(data_dir=data_dir, sockets=_sockets_for(data_dir))
    for folder in (location.data_dir, location.valkey, location.logs, location.sockets):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderError(
                f"Cannot use the data folder {data_dir}: {error}. Set DATA_DIR to another one."
            ) from error
    _refuse_foreign(location.sockets)
    return location


def _sockets_for(data_dir: Path) -> Path:
    inside = data_dir / "sockets"
    # Not only short but plain: URLs of sockets are quoted differently by each of their readers.
    if len(os.fsencode(inside)) + _LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT and _PLAIN_PATH.fullmatch(
        str(inside)
    ):
        return inside
    name = f"hypervisor-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    temporary = Path(tempfile.gettempdir())
    short = len(os.fsencode(temporary / name)) + _LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT
    return (temporary if short and _PLAIN_PATH.fullmatch(str(temporary)) else Path("/tmp")) / name  # noqa: S108 (checked below)


def _refuse_foreign(folder: Path) -> None:
    """A folder under /tmp could have been laid there by somebody else, to be asked in our place."""
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode):
        raise DataFolderError(f"{folder} is not a folder. Remove it and start again.")
    if os.getuid() not in (0, info.st_uid) or (os.getuid() == 0 and info.st_mode & 0o077):
        raise DataFolderError(
            f"{folder} belongs to another user. Remove it, or set DATA_DIR to another folder."
        )
    if info.st_uid == os.getuid():
        folder.chmod(0o700)


class DataDirLock:
    """One owner a data folder, as long as the owner or its guard lives. Raises AlreadyRunningError."""

    def __init__(self, location: Location, *, address: str | None) -> None:
        self._location = location
        self._address = address
        self.fd = -1

    def __enter__(self) -> "DataDirLock":
        self.fd = os.open(self._location.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not self._taken():
            holder = self._holder()
            pid = holder.get("pid")
            if time.monotonic() > deadline or (isinstance(pid, int) and _alive(pid)):
                os.close(self.fd)
                raise AlreadyRunningError(
                    data_dir=self._location.data_dir,
                    pid=pid if isinstance(pid, int) else None,
                    address=str(holder["address"]) if holder.get("address") else None,
                )
            time.sleep(0.1)
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, json.dumps({"pid": os.getpid(), "address": self._address}).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self.fd, 0)
        os.close(self.fd)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> dict[str, object]:
        try:
            content = json.loads(os.pread(self.fd, 4096, 0))
        except ValueError:  # the holder is just writing it
            return {}
        return content if isinstance(content, dict) else {}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
