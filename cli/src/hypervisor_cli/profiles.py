"""Who is signed in where: profiles in one file that its owner alone can read."""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hypervisor_cli.addresses import with_scheme
from hypervisor_cli.exits import Exit, Failure
from hypervisor_client import Tokens

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Profile:
    """A service, and who is signed in there; `access` None: nobody is."""

    url: str
    username: str = ""
    access: str | None = None
    refresh: str | None = None


def login_command(name: str, url: str) -> str:
    """What to type in order to sign in there for the profile of this name."""
    named = "" if name == DEFAULT else f"--profile {name} "
    return f"hv {named}login {url or 'URL'}"


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """$XDG_CONFIG_HOME/hv, by default ~/.config/hv."""
    base = environment.get("XDG_CONFIG_HOME", "")
    # The standard says that a relative one is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "hv"


class Profiles:
    """All profiles of one user of this machine. Writing is atomic, and one process at a time."""

    def __init__(self, place: Path) -> None:
        self._file = place / "profiles.json"
        self._lock = place / "profiles.lock"
        self._held = False
        # The file's lock keeps other processes away, this one the other threads of ours.
        self._ours = threading.RLock()

    def get(self, name: str) -> Profile | None:
        """The profile of this name."""
        found = self._read().get(name)
        return Profile(**found) if found else None

    def names(self) -> list[str]:
        """All of them, in order."""
        return sorted(self._read())

    def put(self, name: str, profile: Profile) -> None:
        """Keep this one."""
        with self.alone():
            self._write(self._read() | {name: asdict(profile)})

    def drop(self, name: str) -> None:
        """Forget this one."""
        with self.alone():
            self._write({known: one for known, one in self._read().items() if known != name})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other `hv`, and no other thread, writes until the block ends. May be nested."""
        with self._ours:
            if self._held:
                yield
                return
            with self._writable(), self._lock.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._held = True
                try:
                    yield
                finally:
                    self._held = False

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.touch(mode=0o600)
        except OSError as error:
            raise Failure(f"{self._file.parent} cannot be written: {error.strerror}.") from error
        yield

    def _read(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._file.read_text())
            found = stored["profiles"]
            for one in found.values():
                Profile(**one)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Failure(f"{self._file} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Failure(
                f"{self._file} is damaged. Move it away, then sign in again with: hv login"
            ) from error
        return dict(found)

    def _write(self, profiles: Mapping[str, Any]) -> None:
        text = json.dumps({"profiles": profiles}, indent=2)
        # mkstemp makes it readable by its owner alone, before there is anything in it.
        handle, temporary = tempfile.mkstemp(prefix=".profiles-", dir=self._file.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


class ProfileStore:
    """The tokens of one login, as the client keeps and renews them. Those of another login that took its profile are
    neither used nor overwritten; `begins`: this login is new, and takes the profile with the first tokens it saves."""

    def __init__(self, profiles: Profiles, name: str, profile: Profile, *, begins: bool = False) -> None:
        self._profiles = profiles
        self._name = name
        self._mine = profile
        self._begins = begins

    def load(self) -> Tokens:
        """See `TokenStore.load`: read each time, for another `hv` may have renewed them. Raises Failure where the
        profile is signed out, or another login's."""
        stored = self._profiles.get(self._name)
        if stored is None or stored.access is None:
            raise Failure(
                f"Profile {self._name} was signed out meanwhile. "
                f"Sign in with: {login_command(self._name, self._mine.url)}",
                Exit.NOT_SIGNED_IN,
            )
        if (with_scheme(stored.url), stored.username) != (with_scheme(self._mine.url), self._mine.username):
            raise Failure(
                f"Profile {self._name} was signed in anew meanwhile: at {stored.url} as {stored.username}, no longer "
                f"at {self._mine.url} as {self._mine.username}. Sign in again, and for each login keep a profile of "
                f"its own: hv --profile NAME login URL",
                Exit.NOT_SIGNED_IN,
            )
        return Tokens(stored.access, stored.refresh)

    def save(self, tokens: Tokens) -> None:
        """See `TokenStore.save`. Raises Failure as `load` does."""
        with self.alone():
            if not self._begins:
                self.load()
            one = Profile(self._mine.url, self._mine.username, tokens.access, tokens.refresh)
            self._profiles.put(self._name, one)
            self._begins = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `TokenStore.alone`."""
        with self._profiles.alone():
            yield
