"""Why a deployment waits, and what would let it start: its reasons, its place, who holds what it lacks, and what if."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scheduling.core.amounts import Amount, add, subtract
from scheduling.core.changes import Change, Question, changes
from scheduling.core.decide import decide
from scheduling.core.dependents import WaitsOn
from scheduling.core.forecast import MOST_CYCLES, Forecast, forecast
from scheduling.core.forks import Budget, Effect, Forks
from scheduling.core.lengths import Length, ends_of
from scheduling.core.order import queue_order
from scheduling.core.reasons import Reason
from scheduling.core.releases import Holder, Releases, holders, releases
from scheduling.core.smaller import Askable
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Snapshot
from scheduling.core.waiting import OF_ROOM, Cause, Room, causes

MOST_PLANS = 240
MOST_ROWS = 60_000
"""Plans that the search for changes may make, and rows in all of them together; the forecast as many rows again."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the shell knows besides the rows. Everything may be left out.

    `lengths`: of those who run and who wait, by id. `holds`, `blocked`: all that holds the deployment and its cluster,
    where several things do (a row has room for one). `askable`: which amounts may be asked for, one per resource.
    `priorities`: which it may be given. `others`: the clusters that it could move to. `waits_on`: what those who wait
    here depend on that has not completed.
    """

    lengths: Mapping[int, Length] = field(default_factory=dict)
    holds: Collection[Reason] = ()
    blocked: Collection[Reason] = ()
    askable: Sequence[Askable] = ()
    priorities: Sequence[int] = (1, 2, 3)
    others: Sequence[ClusterState] = ()
    waits_on: WaitsOn = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`next_cycle`: what the next cycle does for it, None: nothing. `position` is counted from 1, of `waiting`,
    in the policy's order before this cycle changes anybody's share.

    `causes` tell what lacks now; `holders` who holds that, largest first; `releases` when it is likely to come back;
    `changes` what single change would let it start; `forecast` when it starts if nobody else submits. `searched_all`:
    the search was not cut short. `plans`: how many plans the answer took.
    """

    next_cycle: Effect | None
    causes: tuple[Cause, ...]
    position: int
    waiting: int
    holders: tuple[Holder, ...]
    releases: Releases
    changes: tuple[Change, ...]
    forecast: Forecast
    searched_all: bool
    plans: int


def explain(cluster: ClusterState, deployment_id: int, known: Known | None = None) -> Explanation:
    """Explain why `deployment_id`, one of the cluster's pending, waits. Raises KeyError if it is not one of them.

    Counts bound the work, never clocks: `MOST_PLANS`, three times `MOST_CYCLES`, and `MOST_ROWS`.
    """
    known = known or Known()
    target = {one.id: one for one in cluster.pending}[deployment_id]
    # Of the whole state, not of a fork: what it says of order and reasons is the planner's own word.
    base = decide(Snapshot.of([cluster])).clusters[0]
    budget = Budget(plans=MOST_PLANS, rows=MOST_ROWS)
    ahead = Budget(plans=3 * MOST_CYCLES, rows=MOST_ROWS)
    forks = Forks(cluster=cluster, target=target, budget=budget, waits_on=known.waits_on)
    effect = forks.effect(base)
    forks.has_seat = forks.has_seat or effect is Effect.SEAT
    room = Room.of(cluster, besides=target.id)
    found = _causes(cluster, target, room, base, known)
    if effect is None and not any(any(cause.deficits) for cause in found):
        # It would fit: what those ahead of it take in this very cycle is what it lacks.
        room = _at_the_end(cluster, target, room, base)
        found = _with_deficits(found, room.lack(target.need))
    ends = {run.id: ends_of(run, known.lengths.get(run.id, Length()), cluster.now) for run in cluster.running}
    question = Question(
        forks=forks,
        base=base,
        room=room,
        ends=ends,
        others=known.others,
        askable=known.askable,
        priorities=known.priorities,
        holds=known.holds,
        unfinished={
            id_ for id_, length in known.lengths.items() if length.comes_back or not length.completes
        },
    )
    return Explanation(
        next_cycle=effect,
        causes=found,
        position=1 + [one.id for one in queue_order(cluster)].index(target.id),
        waiting=len(cluster.pending),
        holders=holders(cluster, target, room.lack(target.need)),
        releases=releases(cluster, target, room, ends),
        changes=() if effect is Effect.STARTS else changes(question),
        forecast=forecast(
            cluster=cluster,
            target=target,
            ends=ends,
            lengths=known.lengths,
            budget=ahead,
            # What is also held by something else is not free when its dependencies have completed.
            waits_on={} if Reason.WAITING_FOR_RETRY in known.holds else known.waits_on,
        ),
        searched_all=not budget.is_used_up,
        plans=1 + budget.spent + ahead.spent,
    )


def _causes(
    cluster: ClusterState, target: Pending, room: Room, base: ClusterPlan, known: Known
) -> tuple[Cause, ...]:
    holds = known.holds or (() if target.hold is None else (target.hold,))
    blocked = known.blocked or (() if cluster.blocked is None else (cluster.blocked,))
    found = causes(
        need=target.need, room=room, holds=holds, blocked=blocked, seated=target.seated, stored=target.reason
    )
    if found:
        return found
    planned = dict(base.reasons).get(target.id)
    return (Cause(planned, (0,) * len(target.need)),) if planned else ()


def _at_the_end(cluster: ClusterState, target: Pending, room: Room, base: ClusterPlan) -> Room:
    """What the plan leaves of `room` when it has started, seated and evicted whom it does."""
    now, later = [0] * len(target.need), [0] * len(target.need)
    runs = {run.id: run for run in cluster.running}
    seated = {one.id for one in cluster.pending if one.seated}
    rows = {one.id: one for one in cluster.pending}
    for id_ in base.starts:
        subtract(now, rows[id_].need)
    for id_ in {*base.starts, *base.seats} - seated:
        subtract(later, rows[id_].need)
    for eviction in base.evictions:
        add(later, runs[eviction.victim].need)
    return room.with_more(now=now, later=later)


def _with_deficits(found: tuple[Cause, ...], lack: Amount) -> tuple[Cause, ...]:
    return tuple(replace(cause, deficits=lack) if cause.reason in OF_ROOM else cause for cause in found)
