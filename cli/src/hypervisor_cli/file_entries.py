"""The entries of a file of deployments, under the API's names, with values that the API takes."""

import math
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.options import WIRE_NAMES
from hypervisor_cli.words import own_name, seconds_of
from hypervisor_cli.yaml_text import WrittenFloat, WrittenInt, load
from hypervisor_client import BatchSpec

IN_FILES = {name.replace("-", "_"): wire for name, wire in WIRE_NAMES.items()}
"""A file's words → the API's. It may use either."""
WORDS = {wire: name for name, wire in IN_FILES.items()} | {"depends_on": "after"}
KNOWN = IN_FILES | {wire: wire for wire in get_type_hints(BatchSpec)}
TEXTS = {"name", "docker_image", "working_dir"}
LISTS_OF_TEXT = {"command", "args"}
PAIRS = {"env", "secret_env", "labels"}
WHOLE_SECONDS = {
    "time_limit_seconds", "expected_seconds", "grace_period_seconds", "checkpoint_interval_seconds",
}  # fmt: skip
DEEPEST = 16


def read_entries(file: Path) -> list[dict[str, Any]]:
    """Each has a name. Raises Failure that says what is wrong where."""
    defaults, every = _content(file)
    under = _fields(f"{file}: defaults", defaults)
    return [_entry(file, place, one, under) for place, one in enumerate(every)]


def _content(file: Path) -> tuple[Any, list[Any]]:
    try:
        told = load(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _wrong(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(told, list):
        told = {"deployments": told}
    if not isinstance(told, dict) or not isinstance(told.get("deployments"), list) or not told["deployments"]:
        raise _wrong(f"{file} must have a list of deployments. See: hv deploy --help")
    if unknown := sorted(map(str, told.keys() - {"deployments", "defaults"})):
        raise _wrong(f"{file}: {', '.join(unknown)} is unknown. Known are: defaults, deployments.")
    return told.get("defaults") or {}, told["deployments"]


def _entry(file: Path, place: int, one: Any, under: Mapping[str, Any]) -> dict[str, Any]:
    where = f"{file}: deployments[{place}]"
    called = one.get("name") if isinstance(one, dict) else None
    both = {**under, **_fields(f"{where} ({called})" if isinstance(called, str) else where, one)}
    image = both.get("docker_image")
    if "name" not in both and isinstance(image, str):
        both["name"] = own_name(image)
    if "name" not in both:
        raise _wrong(f"{where} has neither a name nor an image.")
    return {"required_cpu": 1, "required_ram": 1, **both}


def _fields(where: str, told: Any) -> dict[str, Any]:
    """Under the API's names."""
    if not isinstance(told, dict):
        raise _wrong(f"{where} must be fields with values.")
    if unknown := [str(name) for name in told if name not in KNOWN]:
        words = sorted({WORDS.get(wire, wire) for wire in KNOWN.values()})
        close = get_close_matches(unknown[0], words, 1)
        meant = f" Do you mean {close[0]}?" if close else ""
        raise _wrong(f"{where}: {', '.join(unknown)} is unknown.{meant} Known are: {', '.join(words)}.")
    found: dict[str, Any] = {}
    by: dict[str, str] = {}
    for name, value in told.items():
        wire = KNOWN[name]
        if wire in by:
            raise _wrong(f"{where}: {by[wire]} and {name} are the same field. Give one of them.")
        by[wire], found[wire] = name, _value(f"{where} {name}", wire, value)
    return found


def _value(where: str, wire: str, value: Any) -> Any:
    if wire in TEXTS:
        return _text(where, value)
    if wire in LISTS_OF_TEXT and isinstance(value, list):
        return [_text(where, one) for one in value]
    if wire in PAIRS and isinstance(value, dict):
        return {_text(where, key): _text(f"{where}.{key}", one) for key, one in value.items()}
    if isinstance(value, str) and (wire in WHOLE_SECONDS or wire == "simulated_seconds"):
        try:
            seconds = seconds_of(value)
        except ValueError as error:
            raise _wrong(f"{where}: {error}") from error
        return max(1, round(seconds)) if wire in WHOLE_SECONDS else seconds
    _must_be_plain(where, value, 0)
    return value


def _text(where: str, value: Any) -> str:
    """As it was written: of `1.10` the text `1.10`, as compose does."""
    if isinstance(value, str):
        return value
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.written
    raise _wrong(f"{where} must be text. Put it in quotes.")


def _must_be_plain(where: str, value: Any, depth: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(f"{where}: {value} is no amount. Write a number, such as 2 or 0.5.")
    if isinstance(value, dict | list) and depth < DEEPEST:
        for one in value.values() if isinstance(value, dict) else value:
            _must_be_plain(where, one, depth + 1)
        if not isinstance(value, dict) or all(isinstance(key, str) for key in value):
            return
    elif isinstance(value, str | int | float | None):
        return
    raise _wrong(f"{where} cannot be sent. Write text in quotes, a number, true, false, or a list of these.")


def _wrong(text: str) -> Failure:
    return Failure(text, Exit.USAGE)
