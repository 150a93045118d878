"""What a simulated cluster's `connection` may say, and how wrong values are refused."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_SECONDS = 3600
CAPACITY_FIELDS = ("cpu", "ram", "gpu")
_FIELDS = ("start_seconds", "stop_seconds", "exit_code", "unreachable", "capacity")
_MAX_AMOUNT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SimulatedConnection:
    """A validated connection. `capacity` is (milli-CPU, MiB, milli-GPU)."""

    start_seconds: float = 0
    stop_seconds: float = 0
    exit_code: int = 0
    unreachable: bool = False
    capacity: tuple[int, int, int] | None = None


def validate_connection(connection: object) -> dict[str, str]:
    """Field → what is wrong with it and what to write; empty when the connection is valid. Never raises."""
    if not isinstance(connection, Mapping):
        return {"connection": "Write an object, such as {}."}
    errors = {
        str(name): f"Unknown. A simulated cluster knows {', '.join(_FIELDS)}."
        for name in connection
        if name not in _FIELDS
    }
    for name in ("start_seconds", "stop_seconds"):
        if name in connection and not _is_number(connection[name], MAX_SECONDS):
            errors[name] = f"Write a number of seconds from 0 to {MAX_SECONDS}."
    exit_code = connection.get("exit_code", 0)
    if not isinstance(exit_code, int) or isinstance(exit_code, bool) or not 0 <= exit_code <= 255:
        errors["exit_code"] = "Write a whole number from 0 to 255."
    if not isinstance(connection.get("unreachable", False), bool):
        errors["unreachable"] = "Write true or false."
    return errors | _capacity_errors(connection.get("capacity"))


def parse_connection(connection: Mapping[str, object]) -> SimulatedConnection:
    """The connection with its defaults. Raises ValueError, naming each wrong field."""
    errors = validate_connection(connection)
    if errors:
        raise ValueError(" ".join(f"{name}: {message}" for name, message in errors.items()))
    fields = dict(connection)
    capacity = fields.pop("capacity", None)
    parsed = SimulatedConnection(**fields)  # type: ignore[arg-type]  # validated above
    if not isinstance(capacity, Mapping):
        return parsed
    amounts = (round(capacity["cpu"] * 1000), round(capacity["ram"] * 1024), round(capacity["gpu"] * 1000))
    return SimulatedConnection(**fields, capacity=amounts)  # type: ignore[arg-type]


def _capacity_errors(capacity: object) -> dict[str, str]:
    if capacity is None:
        return {}
    if not isinstance(capacity, Mapping) or set(capacity) != set(CAPACITY_FIELDS):
        return {"capacity": 'Write {"cpu": cores, "ram": GB, "gpu": devices}, all three and no more.'}
    return {
        f"capacity.{name}": f"Write a number from 0 to {_MAX_AMOUNT}."
        for name in CAPACITY_FIELDS
        if not _is_number(capacity[name], _MAX_AMOUNT)
    }


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most
