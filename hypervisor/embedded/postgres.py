"""A private PostgreSQL: its own cluster, one unix socket in a closed folder, no TCP, no password."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from hypervisor.embedded.binaries import PostgresBinaries, find_postgres
from hypervisor.embedded.errors import StartFailedError
from hypervisor.embedded.leftovers import disown_pid_file
from hypervisor.embedded.process import Guard, ProcessSpec, clear, spawn
from hypervisor.embedded.urls import postgres_url

USER = DATABASE = "hypervisor"
INITDB_SECONDS = 120

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    # No parallel plans: their shared memory outgrows the 64 MB that a container gives to /dev/shm.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
}
_THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """One cluster. `durable` is False only for data that nobody will miss after a power cut."""

    data: Path
    sockets: Path
    binaries: PostgresBinaries
    durable: bool = True

    name = "postgres"

    @property
    def url(self) -> str:
        """`DATABASE_URL` of the service's own database."""
        return postgres_url(user=USER, database=DATABASE, sockets=self.sockets)

    def initialise(self, *, guard: Guard, log: Path) -> None:
        """Makes the cluster once. An interrupted attempt leaves nothing that looks like a cluster."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        with log.open("ab") as output:
            process = spawn(self._initdb(fresh), guard=guard, output=output)
            try:
                code = process.wait(INITDB_SECONDS)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                clear(process, guard=guard)
        if code != 0:
            what = f"initdb ended with {code}" if code is not None else "initdb did not end"
            raise StartFailedError(server=self.name, what=what, output=log.read_text(errors="replace"))
        fresh.rename(self.data)

    def spec(self) -> ProcessSpec:
        """How to run it in the foreground."""
        settings = _SETTINGS | ({} if self.durable else _THROWAWAY_SETTINGS)
        settings["unix_socket_directories"] = f'"{self.sockets}"'
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ProcessSpec(
            name=self.name,
            argv=(str(self.binaries.folder / "postgres"), "-D", str(self.data), *options),
            env=_environment(),
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
            grace_seconds=30.0,
            without_root=True,
            owned=(self.data, self.sockets),
        )

    def clear_leftovers(self) -> None:
        """See `disown_pid_file`."""
        for path in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            disown_pid_file(path, data=self.data)

    def is_ready(self, pid: int) -> bool:
        """Whether this process, and not a predecessor, accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def finish(self) -> None:
        """Makes the service's database if it is missing. The server must be ready."""
        with psycopg.connect(
            host=str(self.sockets), user=USER, dbname="postgres", autocommit=True, connect_timeout=60
        ) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _initdb(self, folder: Path) -> ProcessSpec:
        options = [f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        if self.binaries.major >= 17:
            # The same sort order everywhere, yet upper and lower case of all letters.
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            options.append("--no-sync")
        return ProcessSpec(
            name="initdb",
            argv=(str(self.binaries.folder / "initdb"), "-D", str(folder), *options),
            env=_environment(),
            without_root=True,
            owned=(folder,),
        )


def postgres_server(*, data: Path, sockets: Path, durable: bool = True) -> PostgresServer:
    """The server for this folder, with binaries that fit what is in it.

    Raises BinaryNotFoundError.
    """
    version = data / "PG_VERSION"
    major = int(version.read_text().strip()) if version.exists() else None
    return PostgresServer(data=data, sockets=sockets, binaries=find_postgres(major=major), durable=durable)


def _environment() -> dict[str, str]:
    """Nothing of ours: no PG* variable, no locale and no secret may reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
