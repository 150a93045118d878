"""How large a cluster is: what its people gave, and what its engine has where nobody gave it."""

from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings

from accounts.errors import InvalidInput
from clusters.amounts import RESOURCES, UNITS
from clusters.models import Cluster, Runtime

RESERVED = frozenset({"cpu", "ram"})
"""Of these the machine itself keeps ENGINE_RESERVE_PERCENT; GPUs are given whole."""


def first_totals(runtime: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The totals of a new cluster; those left out wait for its engine. Raises InvalidInput where there is none."""
    left_out = [name for name in RESOURCES if given.get(f"total_{name}") is None]
    _require_engine(runtime, left_out)
    totals = {f"total_{name}": 0 if name in left_out else given[f"total_{name}"] for name in RESOURCES}
    return totals | {"sized_by_engine": left_out}


def settle_totals(cluster: Cluster, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as columns: a total that is given is no longer the engine's, None gives it back to the engine."""
    asked = {name: changes[f"total_{name}"] for name in RESOURCES if f"total_{name}" in changes}
    if not asked:
        return dict(changes)
    to_engine = [name for name, value in asked.items() if value is None]
    _require_engine(cluster.runtime, to_engine)
    sized = [
        name
        for name in RESOURCES
        if name in to_engine or (name in cluster.sized_by_engine and name not in asked)
    ]
    kept = {field: value for field, value in changes.items() if field not in _fields(to_engine)}
    return kept | {"sized_by_engine": sized}


def totals_of_engine(capacity: tuple[int, int, int], resources: Collection[str]) -> dict[str, int]:
    """`total_*` of these resources on an engine with so much (milli-CPU, MiB, milli-GPU), less the reserve."""
    has = dict(zip(("cpu", "ram", "gpu"), capacity, strict=True))
    left = 100 - settings.ENGINE_RESERVE_PERCENT
    return {
        f"total_{name}": has[name] * left // 100 if name in RESERVED else has[name]
        for name in RESOURCES
        if name in resources
    }


def _require_engine(runtime: str, resources: Collection[str]) -> None:
    if resources and runtime == Runtime.SIMULATED:
        raise InvalidInput(
            {
                f"total_{name}": f"Write how many {UNITS[name]} it has: a simulated cluster has no engine to ask."
                for name in resources
            }
        )


def _fields(resources: Collection[str]) -> set[str]:
    return {f"total_{name}" for name in resources}
