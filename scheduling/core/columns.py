"""A snapshot's rows as columns: one array a field over all clusters, so that all are looked at together.

Row i of a table is of cluster c where `offsets[c] <= i < offsets[c + 1]`; the order within a cluster means nothing.
Whole numbers are int64. Reasons are their codes (`reasons.CODES`), int8. `need` has a row per deployment and a column
per resource, each resource contiguous.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scheduling.core.amounts import Amount
from scheduling.core.policy import Policy
from scheduling.core.reasons import CODES, REASONS, Reason

if TYPE_CHECKING:
    from scheduling.core.state import ClusterState, Pending, Running

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
"""Places in a table."""

UNKNOWN = -1
"""In `expected` and `saved_at`: nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class PendingColumns:
    """Who waits, in every cluster; a column means what the field of `Pending` means."""

    offsets: Ints
    id: Ints
    need: Ints
    priority: Ints
    queued_at: Ints
    hold: Codes
    seated: Flags
    organization: Ints
    user: Ints
    reason: Codes
    expected: Ints

    @classmethod
    def of(cls, groups: Sequence[Sequence["Pending"]], width: int) -> "PendingColumns":
        """Make the columns of these rows, one group a cluster, `width` resources wide."""
        rows = [row for group in groups for row in group]
        return cls(
            offsets=offsets_of(groups),
            id=ints(row.id for row in rows),
            need=needs([row.need for row in rows], width),
            priority=ints(row.priority for row in rows),
            queued_at=ints(row.queued_at for row in rows),
            hold=codes(row.hold for row in rows),
            seated=np.array([row.seated for row in rows], dtype=np.bool_),
            organization=ints(row.organization for row in rows),
            user=ints(row.user for row in rows),
            reason=codes(row.reason for row in rows),
            expected=known(row.expected for row in rows),
        )

    def owners(self, rows: Rows) -> Rows:
        """The places of the clusters that these rows belong to."""
        return np.searchsorted(self.offsets, rows, side="right") - 1

    def fields(self, rows: "Rows | slice") -> tuple[Iterable[Any], ...]:
        """The values of these rows, field by field in the order of `Pending`."""
        return (
            self.id[rows].tolist(),
            map(tuple, self.need[rows].tolist()),
            self.priority[rows].tolist(),
            self.queued_at[rows].tolist(),
            map(REASONS.__getitem__, self.hold[rows].tolist()),
            self.seated[rows].tolist(),
            self.organization[rows].tolist(),
            self.user[rows].tolist(),
            map(REASONS.__getitem__, self.reason[rows].tolist()),
            map(_or_none, self.expected[rows].tolist()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RunningColumns:
    """Who holds capacity, in every cluster; a column means what the field of `Running` means."""

    offsets: Ints
    id: Ints
    need: Ints
    priority: Ints
    started_at: Ints
    stopping: Flags
    organization: Ints
    user: Ints
    saved_at: Ints
    evictions: Ints
    expected: Ints

    @classmethod
    def of(cls, groups: Sequence[Sequence["Running"]], width: int) -> "RunningColumns":
        """Make the columns of these rows, one group a cluster, `width` resources wide."""
        rows = [row for group in groups for row in group]
        return cls(
            offsets=offsets_of(groups),
            id=ints(row.id for row in rows),
            need=needs([row.need for row in rows], width),
            priority=ints(row.priority for row in rows),
            started_at=ints(row.started_at for row in rows),
            stopping=np.array([row.stopping for row in rows], dtype=np.bool_),
            organization=ints(row.organization for row in rows),
            user=ints(row.user for row in rows),
            saved_at=known(row.saved_at for row in rows),
            evictions=ints(row.evictions for row in rows),
            expected=known(row.expected for row in rows),
        )

    def fields(self, rows: "Rows | slice") -> tuple[Iterable[Any], ...]:
        """The values of these rows, field by field in the order of `Running`."""
        return (
            self.id[rows].tolist(),
            map(tuple, self.need[rows].tolist()),
            self.priority[rows].tolist(),
            self.started_at[rows].tolist(),
            self.stopping[rows].tolist(),
            self.organization[rows].tolist(),
            self.user[rows].tolist(),
            map(_or_none, self.saved_at[rows].tolist()),
            self.evictions[rows].tolist(),
            map(_or_none, self.expected[rows].tolist()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """What each cluster is, apart from its rows; a column means what the field of `ClusterState` means.

    `total`: the sum of the capacity pools. `policies` are the different ones, `policy` is the index of each cluster's.
    `blocked` is a reason's code. `unlisted`: how many further ones wait that cannot matter to this cycle and were not
    read; `unlisted_held`: how many of them wait for dependencies.
    """

    id: Ints
    total: Ints
    blocked: Codes
    policies: tuple[Policy, ...]
    policy: Rows
    now: Ints
    work_resource: Ints
    weights: Sequence[Mapping[int, int]]
    user_weights: Sequence[Mapping[int, int]]
    evictions_left: Sequence[int | None]
    unlisted: Ints
    unlisted_held: Ints

    @classmethod
    def of(cls, states: Sequence["ClusterState"], width: int) -> "Heads":
        """Make the columns of these clusters, `width` resources wide."""
        policies, policy = interned(state.policy for state in states)
        return cls(
            id=ints(state.id for state in states),
            total=needs([tuple(map(sum, zip(*state.pools, strict=True))) for state in states], width),
            blocked=codes(state.blocked for state in states),
            policies=policies,
            policy=policy,
            now=ints(state.now for state in states),
            work_resource=ints(state.work_resource for state in states),
            weights=tuple(state.weights for state in states),
            user_weights=tuple(state.user_weights for state in states),
            evictions_left=tuple(state.evictions_left for state in states),
            unlisted=ints(state.unlisted for state in states),
            unlisted_held=ints(state.unlisted_held for state in states),
        )

    def policy_of_each(self) -> list[Policy]:
        """The policy of every cluster."""
        return [self.policies[place] for place in self.policy.tolist()]


def ints(values: Iterable[int]) -> Ints:
    """A column of whole numbers."""
    return np.array(list(values), dtype=np.int64)


def known(values: Iterable[int | None]) -> Ints:
    """A column of whole numbers ≥ 0, some of which nobody knows."""
    return ints(UNKNOWN if value is None else value for value in values)


def codes(values: Iterable[Reason | None]) -> Codes:
    """A column of reasons."""
    return np.array([CODES[value] for value in values], dtype=np.int8)


def needs(amounts: Sequence[Amount], width: int) -> Ints:
    """A table of amounts, a row each, whose columns are contiguous."""
    table = np.array(amounts, dtype=np.int64).reshape(len(amounts), width)
    return np.asfortranarray(table)


def offsets_of(groups: Sequence[Sequence[Any]]) -> Ints:
    """Where each group begins when all are laid end to end, and where the last one ends."""
    return np.array([0, *accumulate(map(len, groups))], dtype=np.int64)


def interned(policies: Iterable[Policy]) -> tuple[tuple[Policy, ...], Rows]:
    """The different policies among these, and the index of each."""
    different: list[Policy] = []
    seen: dict[int, int] = {}
    index: list[int] = []
    for policy in policies:
        place = seen.get(id(policy))
        if place is None:
            place = next((at for at, other in enumerate(different) if other == policy), len(different))
            if place == len(different):
                different.append(policy)
            # `different` keeps the first of its kind alive; an equal one may go and leave its id to another.
            if different[place] is policy:
                seen[id(policy)] = place
        index.append(place)
    return tuple(different), np.array(index, dtype=np.intp)


def _or_none(value: int) -> int | None:
    return None if value == UNKNOWN else value
