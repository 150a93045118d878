"""Brings the database up to date before anything serves from it."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypervisor.embedded.process import Guard, ProcessSpec, clear, spawn
from hypervisor.supervisor.errors import PreparationError, StopRequested
from hypervisor.supervisor.services import PROJECT


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Who was made on the first start. No password: it was given, and is not ours to show."""

    name: str
    password: str | None


def prepare_database(
    *, environment: Mapping[str, str], guard: Guard, log: Path, abandon: Callable[[], bool]
) -> FirstAdmin | None:
    """Migrates and makes the first superuser. Raises PreparationError, and StopRequested when told to."""
    spec = ProcessSpec(
        name="migrate",
        argv=(sys.executable, "-m", "hypervisor.supervisor.prepare_database"),
        env=environment,
        cwd=PROJECT,
    )
    process = spawn(spec, guard=guard, output=subprocess.PIPE)
    said = None
    while said is None:
        try:
            said = process.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            if abandon():
                process.terminate()
                process.communicate()
                clear(process, guard=guard)
                raise StopRequested from None
    clear(process, guard=guard)
    words, _, last = said.decode(errors="replace").rstrip().rpartition("\n")
    if process.returncode != 0:
        log.write_text(f"{words}\n{last}\n")
        tail = "\n".join(f"  | {line}" for line in [*words.splitlines(), last][-12:])
        raise PreparationError(f"The service cannot start:\n{tail}\nThe whole output: {log}")
    log.write_text(f"{words}\n")  # without the last line, which holds the password
    admin = json.loads(last)
    return FirstAdmin(name=admin["admin"], password=admin["password"]) if admin["admin"] else None
