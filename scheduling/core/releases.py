"""Who holds what a deployment lacks, and when it is likely to be free again."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.core.amounts import Amount, fits
from scheduling.core.lengths import UNKNOWN, Basis, Ends
from scheduling.core.state import ClusterState, Pending, Running
from scheduling.core.waiting import Room

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds, or (`promised`) was promised, what another lacks."""

    id: int
    need: Amount
    priority: int
    organization: int
    promised: bool = False
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A run's likely end, in microseconds since the epoch; `covers`: with it and all before it, nothing lacks."""

    id: int
    need: Amount
    priority: int
    organization: int
    at: int
    basis: Basis
    covers: bool


@dataclass(frozen=True, slots=True)
class Releases:
    """The next `shown` of them, by time. `covered_at`: when nothing lacks any more; None: not by these.

    `unknown`: so many more hold what lacks, and nobody knows their likely end.
    """

    shown: tuple[Release, ...]
    covered_at: int | None
    unknown: int


def holders(cluster: ClusterState, target: Pending, lack: Amount) -> tuple[Holder, ...]:
    """Who holds any of what `target` lacks, largest part of it first, at most `MOST_SHOWN`."""
    rows = [
        *(
            Holder(run.id, run.need, run.priority, run.organization, stopping=run.stopping)
            for run in cluster.running
        ),
        *(
            Holder(one.id, one.need, one.priority, one.organization, promised=True)
            for one in cluster.pending
            if one.seated and one.hold is None and one.id != target.id
        ),
    ]
    ranked = sorted(
        (row for row in rows if _helps(row.need, lack)),
        key=lambda row: (-_part(row.need, lack), [-has for has in row.need], row.id),
    )
    return tuple(ranked[:MOST_SHOWN])


def releases(cluster: ClusterState, target: Pending, room: Room, ends: Mapping[int, Ends]) -> Releases:
    """When those who hold what `target` lacks are likely to end, and when that covers all that lacks.

    Others in the queue may take what is freed: `forecast` counts them, this does not.
    """
    lack = room.lack(target.need)
    helping = [run for run in cluster.running if _helps(run.need, lack)]
    known: list[tuple[int, Running]] = []
    for run in helping:
        likely = ends.get(run.id, UNKNOWN).likely
        if likely is not None:
            known.append((likely, run))
    known.sort(key=lambda pair: (pair[0], pair[1].id))
    shown: list[Release] = []
    covered_at: int | None = None
    for at, run in known:
        # What is stopping counts as gone in `after` already.
        room = room.with_more(now=run.need, later=(0,) * len(run.need) if run.stopping else run.need)
        covers = fits(target.need, room.free_now) and fits(target.need, room.after)
        if covers and covered_at is None:
            covered_at = at
        if len(shown) < MOST_SHOWN:
            basis = ends[run.id].basis
            shown.append(Release(run.id, run.need, run.priority, run.organization, at, basis, covers=covers))
    return Releases(tuple(shown), covered_at, len(helping) - len(known))


def _helps(need: Amount, lack: Amount) -> bool:
    return any(has > 0 < missing for has, missing in zip(need, lack, strict=True))


def _part(need: Amount, lack: Amount) -> float:
    """Which part of what lacks it holds: the sum over the resources, each at most 1."""
    return sum(min(has, missing) / missing for has, missing in zip(need, lack, strict=True) if missing)
