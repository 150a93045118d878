"""What JSON has: nan, infinity and dates are not of it."""

import math
from collections.abc import Iterator
from typing import Any

from hypervisor_client.errors import Invalid

DETAIL = "What was given cannot be sent."


def sendable(body: Any) -> Any:
    """The body itself. Raises Invalid, whose `fields` name each value that JSON does not have."""
    if wrong := list(_wrong(body, "")):
        raise Invalid(400, f"{DETAIL} {' '.join(f'{field}: {told}' for field, told in wrong)}", fields=wrong)
    return body


def _wrong(value: Any, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield field, f"{value} is no amount. Write a number, such as 2 or 0.5."
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _wrong(one, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from _wrong(one, f"{field}[{place}]")
    elif value is not None and not isinstance(value, str | int | float):
        yield (
            field,
            f"This is a {type(value).__name__}. Write text, a number, True, False or a list of these.",
        )
