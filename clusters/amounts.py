"""Amounts: whole numbers inside (milli-CPU, MiB, milli-GPU), GB, cores and devices on the wire.

1 GB = 1024 MiB inside. Every wire value with up to three places comes back unchanged: a step of 0.001 GB is more
than one MiB, so rounding to the nearest MiB keeps them apart.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

RESOURCES = ("gpu", "cpu", "ram")
"""The order of a cluster's resources in the planner's vectors."""
MAXIMUM = 10_000_000
"""The largest amount on the wire, in GB, cores or devices: far beyond any machine, far below any overflow."""
MIB_PER_GB = 1024
AMOUNT_FIELDS = {f"{kind}_{name}": name for kind in ("required", "total") for name in RESOURCES}
"""Fields of events that hold an amount → its resource."""
UNITS = {"gpu": "GPUs", "cpu": "cores", "ram": "GB of RAM"}


class Amount(NamedTuple):
    """What something needs or has: milli-GPU, milli-CPU, MiB, in the order of RESOURCES."""

    gpu: int
    cpu: int
    ram: int

    def minus(self, other: "Amount") -> "Amount":
        return Amount(self.gpu - other.gpu, self.cpu - other.cpu, self.ram - other.ram)

    def plus(self, other: "Amount") -> "Amount":
        return Amount(self.gpu + other.gpu, self.cpu + other.cpu, self.ram + other.ram)

    def beyond(self, limit: "Amount") -> list[str]:
        """The resources in which this is more than `limit`."""
        return [name for name, mine, its in zip(RESOURCES, self, limit, strict=True) if mine > its]


def from_wire(resource: str, value: float) -> int:
    """GB, cores or devices → MiB, milli-CPU or milli-GPU, to the nearest whole one."""
    return round(value * MIB_PER_GB) if resource == "ram" else round(value * 1000)


def to_wire(resource: str, value: int) -> float | int:
    """MiB, milli-CPU or milli-GPU → a number with up to three places; whole ones without a point."""
    number = round(value / (MIB_PER_GB if resource == "ram" else 1000), 3)
    return int(number) if number == int(number) else number


def wire(prefix: str, amount: Amount) -> Mapping[str, float | int]:
    """An amount as three wire fields: `{prefix}_ram`, `_cpu`, `_gpu`."""
    return {f"{prefix}_{name}": to_wire(name, getattr(amount, name)) for name in ("ram", "cpu", "gpu")}


def wire_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """An event's `data` with its amounts in GB, cores and devices; the stored one stays as it is."""
    shown = dict(data)
    for part in ("old", "new"):
        # A change tells old and new values, and nothing nested deeper is an amount of ours.
        if part in shown:
            shown[part] = _wire_fields(shown[part])
    return _wire_fields(shown)


def _wire_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(values)
    for field in shown.keys() & AMOUNT_FIELDS.keys():
        shown[field] = to_wire(AMOUNT_FIELDS[field], shown[field])
    return shown


def without_unchanged(changes: Mapping[str, Any], prefix: str, amount: Amount) -> dict[str, Any]:
    """The changes less those amounts that are, to three places, what is there already.

    What an operator set in whole MiB need not be a wire value, and sending back what was read must not move it.
    """
    same = {
        f"{prefix}_{name}"
        for name in RESOURCES
        if (given := changes.get(f"{prefix}_{name}")) is not None
        and to_wire(name, given) == to_wire(name, getattr(amount, name))
    }
    return {field: value for field, value in changes.items() if field not in same}
