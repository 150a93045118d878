"""Who waits for whom to complete, and whom a completion frees."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from scheduling.core.reasons import Reason
from scheduling.core.state import Pending

OF_DEPENDENCIES = frozenset({Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED})
WaitsOn = Mapping[int, Collection[int]]
"""Who waits → what it depends on itself that has not completed, wherever that is."""


class Dependents:
    """The dependencies among those who wait in a cluster, and what they wait for."""

    def __init__(self, waits_on: WaitsOn) -> None:
        """Turn `waits_on` round once: a completion then costs as much as it has dependents."""
        self.waits_on = waits_on
        self._of: dict[int, list[int]] = defaultdict(list)
        for waiting, upstream in waits_on.items():
            for one in upstream:
                self._of[one].append(waiting)

    def must_complete(self, id_: int) -> frozenset[int]:
        """Tell all that must have completed before `id_` is free: what it waits for, and what these wait for."""
        found: set[int] = set()
        ahead = list(self.waits_on.get(id_, ()))
        while ahead:
            one = ahead.pop()
            if one not in found:
                found.add(one)
                ahead.extend(self.waits_on.get(one, ()))
        return frozenset(found)

    def freed(
        self, pending: Mapping[int, Pending], *, by: Collection[int], completed: Collection[int] = ()
    ) -> list[Pending]:
        """List, without their hold, those of `pending` who wait for one that completes (`by`), and for nothing else
        than these and what is `completed` already.
        """
        done = {*by, *completed}
        waiting = dict.fromkeys(id_ for one in by for id_ in self._of.get(one, ()))
        rows = [pending[id_] for id_ in waiting if id_ in pending and done.issuperset(self.waits_on[id_])]
        return [replace(row, hold=None) for row in rows if row.hold in OF_DEPENDENCIES]
