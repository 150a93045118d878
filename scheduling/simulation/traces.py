"""Trace files, plain or gzip: published ones, told by their columns, and any workload as a CSV of our own columns."""

import csv
import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scheduling.core.amounts import Amount
from scheduling.simulation.published import MIB_PER_GB, Row, openb, philly
from scheduling.simulation.workload import SECOND, Job, Workload

GZIP = b"\x1f\x8b"
Line = tuple[int, list[str]]
"""A line's number, and its cells."""
PRIORITIES = {"1": 1, "2": 2, "3": 3, "LOW": 1, "MEDIUM": 2, "HIGH": 3, "": 2}
NEEDED = ("id", "submit_s", "duration_s", "gpus")
OPTIONAL = (
    "cores",
    "ram_gb",
    "priority",
    "organization",
    "user",
    "expected_s",
    "checkpoint_s",
)
"""Left out or empty: needs nothing of it, MEDIUM, one organization, one user, nobody knows, saves nothing."""
KINDS = {
    "Philly": ({"job_id", "vc", "submit_s", "duration_s", "gpus"}, philly),
    "openb": (
        {"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "qos", "creation_time", "deletion_time",
         "scheduled_time"}, openb,
    ),
}  # fmt: skip
BEYOND = 10**9
"""No amount and no number of seconds is larger: thirty years, a billion GPUs."""


class BadTrace(Exception):
    """The file cannot be replayed; the message names the line, the column and what to write there."""


def read(path: Path) -> Workload:
    """The workload of a trace file. Raises BadTrace.

    In one of our own columns the cluster is exactly large enough for all jobs at once, until somebody gives its size.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == GZIP else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadTrace(f"{path} cannot be read: {error}. Give a CSV file, plain or gzip.") from error
    return _read(path.name, _rows(text))


def sized(workload: Workload, *, gpus: float | None, cores: float | None, ram_gb: float | None) -> Workload:
    """The same jobs on another cluster. Cores and memory that are not given grow and shrink with the GPUs."""
    if gpus is None and cores is None and ram_gb is None:
        return workload
    have = workload.total
    factor = round(gpus * 1000) / have[0] if gpus is not None and have[0] else 1.0
    total: Amount = (
        have[0] if gpus is None else round(gpus * 1000),
        round(have[1] * factor) if cores is None else round(cores * 1000),
        round(have[2] * factor) if ram_gb is None else round(ram_gb * MIB_PER_GB),
    )
    made = Workload.of(workload.name, total, workload.jobs, workload.left_out)
    return replace(made, weights=workload.weights, user_weights=workload.user_weights)


def _read(name: str, rows: Iterator[Line]) -> Workload:
    _, names = next(rows, (0, []))
    if not names:
        raise BadTrace(f"{name} is empty. {_what_to_write()}")
    for needed, build in KINDS.values():
        if needed <= set(names):
            return build(name, _dicts(rows, names), _number)
    missing = [column for column in NEEDED if column not in names]
    if missing:
        raise BadTrace(f"{name} lacks the columns {', '.join(missing)}. {_what_to_write()}")
    unknown = [column for column in names if column not in NEEDED + OPTIONAL]
    if unknown:
        raise BadTrace(f"{name} has unknown columns: {', '.join(unknown)}. {_what_to_write()}")
    return _ours(name, _dicts(rows, names))


def _rows(text: str) -> Iterator[Line]:
    """Without empty lines and comments."""
    reader = csv.reader(io.StringIO(text))
    for cells in reader:
        if cells and not cells[0].startswith("#"):
            yield reader.line_num, [cell.strip() for cell in cells]


def _dicts(rows: Iterator[Line], names: list[str]) -> Iterator[Row]:
    for line, cells in rows:
        if len(cells) != len(names):
            raise BadTrace(f"line {line}: {len(cells)} cells, the header has {len(names)}.")
        yield line, dict(zip(names, cells, strict=True))


def _number(row: Row, column: str) -> float:
    line, cells = row
    text = cells[column]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= BEYOND:
        raise BadTrace(f"line {line}, {column}: {text!r} is no number from 0 to {BEYOND}.")
    return value


def _optional(row: Row, column: str) -> float | None:
    return _number(row, column) if row[1].get(column) else None


def _ours(name: str, rows: Iterator[Row]) -> Workload:
    organizations, users, seen = dict[str, int](), dict[tuple[str, str], int](), dict[str, int]()
    jobs: list[Job] = []
    zero = 0
    for row in rows:
        line, cells = row
        if cells["id"] in seen:
            raise BadTrace(f"line {line}, id: {cells['id']!r} is the id of line {seen[cells['id']]} already.")
        seen[cells["id"]] = line
        priority = PRIORITIES.get(cells.get("priority", "").upper())
        if priority is None:
            raise BadTrace(
                f"line {line}, priority: {cells['priority']!r} is none of 1, 2, 3, LOW, MEDIUM, HIGH."
            )
        duration = _microseconds(_number(row, "duration_s"))
        if not duration:
            zero += 1
            continue
        expected, checkpoint = _optional(row, "expected_s"), _optional(row, "checkpoint_s")
        who = cells.get("organization", "")
        jobs.append(
            Job(
                name=cells["id"],
                submit=_microseconds(_number(row, "submit_s")),
                duration=duration,
                need=(
                    round(_number(row, "gpus") * 1000),
                    round((_optional(row, "cores") or 0) * 1000),
                    round((_optional(row, "ram_gb") or 0) * MIB_PER_GB),
                ),
                priority=priority,
                organization=organizations.setdefault(who, len(organizations) + 1),
                user=users.setdefault((who, cells.get("user", "")), len(users) + 1),
                expected=None if expected is None else _microseconds(expected),
                checkpoint=_microseconds(checkpoint) if checkpoint else None,
            )
        )
    sums = [sum(column) for column in zip(*(job.need for job in jobs), strict=True)] or [0, 0, 0]
    return Workload.of(name, (sums[0], sums[1], sums[2]), jobs, {"last no time": zero})


def _microseconds(seconds: float) -> int:
    return round(seconds * SECOND)


def _what_to_write() -> str:
    published = " or ".join(f"those of {kind}" for kind in KINDS)
    return (
        f"The first line names the columns: {', '.join(NEEDED)}, and of {', '.join(OPTIONAL)} what you have; "
        f"or {published}."
    )
