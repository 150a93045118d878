"""Which single change would let a deployment start: every one is tried with `decide` before it is said."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scheduling.core.amounts import fits
from scheduling.core.forks import Effect, Forks
from scheduling.core.lengths import Ends
from scheduling.core.reasons import Reason
from scheduling.core.smaller import Askable, largest
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running
from scheduling.core.waiting import Room

MOST = 5
MOST_ENDS_TRIED = 48
PARTS = 8
"""Into so many parts an amount is cut to look for smaller ones that halving would miss."""


class Kind(StrEnum):
    """What is changed."""

    DEPENDENCIES_MET = "dependencies_met"
    RETRY_DUE = "retry_due"
    RUN_ENDS = "run_ends"
    CLUSTER_READY = "cluster_ready"
    ASK_FOR_LESS = "ask_for_less"
    ANOTHER_CLUSTER = "another_cluster"
    ANOTHER_PRIORITY = "another_priority"


@dataclass(frozen=True, slots=True)
class Change:
    """A change with which the next cycle starts it, or gives it a seat that it would not have without.

    `resource`, `amount`: ask for at most so much of the resource at this place. `run`: whose end, likely `at` then;
    with `DEPENDENCIES_MET`, the only dependency that is left.
    `cluster_id`: moved there, with its place in the queue by time. `evicts`: runs told to stop that would not be told
    without it.
    """

    kind: Kind
    effect: Effect
    resource: int | None = None
    amount: int | None = None
    run: int | None = None
    at: int | None = None
    cluster_id: int | None = None
    priority: int | None = None
    evicts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the forks of its own cluster, the plan without any change, and what else may be changed.

    `holds`: all that holds the deployment itself. `unfinished`: whose run, when it ends, does not complete them.
    """

    forks: Forks
    base: ClusterPlan
    room: Room
    ends: Mapping[int, Ends]
    others: Sequence[ClusterState] = ()
    askable: Sequence[Askable] = ()
    priorities: Sequence[int] = ()
    holds: Collection[Reason] = ()
    unfinished: Collection[int] = ()


def changes(question: Question) -> tuple[Change, ...]:
    """Up to `MOST` changes, the cheapest first, one at least of each kind that has any.

    Cheapest first means: what comes by itself, and when is likely known (dependencies, a retry, the end of a run);
    what the owner of the cluster does (ready again); asking for less, the smallest share given up first; another
    cluster; another priority, the fewest evictions first, then the lowest; at last an end whose time nobody knows.
    """
    found = list(_all(question))
    found.sort(key=lambda change: _cost(question, change))
    seen: set[Kind] = set()
    rest: list[Change] = []
    kept: list[Change] = []
    for change in found:
        (rest if change.kind in seen else kept).append(change)
        seen.add(change.kind)
    kept.extend(rest[: max(0, MOST - len(kept))])
    return tuple(sorted(kept[:MOST], key=lambda change: _cost(question, change)))


def _all(question: Question) -> Iterator[Change]:
    forks, target = question.forks, question.forks.target
    if target.hold is not None:
        # While anything of its own holds it, nothing else can start it.
        if target.hold is Reason.WAITING_FOR_RETRY:
            yield from _if_it_starts(question, Kind.RETRY_DUE, target=replace(target, hold=None))
        elif Reason.WAITING_FOR_RETRY not in question.holds:
            yield from _dependencies_met(question)
        return
    if forks.cluster.blocked is not None:
        yield from _if_it_starts(question, Kind.CLUSTER_READY, ready=True)
    # The quick ones first: should the budget end, it ends with the long search.
    yield from _elsewhere(question)
    if forks.cluster.blocked is None:
        for priority in sorted(question.priorities):
            if priority > target.priority:
                asked = replace(target, priority=priority, seated=False)
                yield from _if_it_starts(question, Kind.ANOTHER_PRIORITY, target=asked, priority=priority)
        yield from _less(question)
    if forks.cluster.blocked in {None, Reason.CLUSTER_OVERCOMMITTED}:
        yield from _run_ends(question)


def _if_it_starts(
    question: Question,
    kind: Kind,
    *,
    target: Pending | None = None,
    completed: Collection[int] = (),
    gone: Collection[int] = (),
    ready: bool = False,
    **told: int | None,
) -> Iterator[Change]:
    plan = question.forks.plan(target=target, completed=completed, gone=gone, ready=ready)
    effect = question.forks.effect(plan)
    if plan is not None and effect is not None:
        before = {eviction.victim for eviction in question.base.evictions}
        evicts = tuple(one.victim for one in plan.evictions if one.victim not in before)
        yield Change(kind, effect, evicts=evicts, **told)


def _dependencies_met(question: Question) -> Iterator[Change]:
    # What has completed holds no room any more, and neither does what that waited for itself.
    forks = question.forks
    target = forks.target
    run = _only_dependency(question)
    yield from _if_it_starts(
        question,
        Kind.DEPENDENCIES_MET,
        target=replace(target, hold=None),
        completed=forks.dependents.must_complete(target.id),
        run=run,
        at=None if run is None or run in question.unfinished else _likely(question, run),
    )


def _only_dependency(question: Question) -> int | None:
    """The run here that is all that it still waits for, if so."""
    waits_for = list(question.forks.dependents.waits_on.get(question.forks.target.id, ()))
    here = {run.id for run in question.forks.cluster.running}
    return waits_for[0] if len(waits_for) == 1 and waits_for[0] in here else None


def _likely(question: Question, run: int) -> int | None:
    return question.ends[run].likely if run in question.ends else None


def _run_ends(question: Question) -> Iterator[Change]:
    if not fits(question.forks.target.need, question.room.total):
        return
    for run in _worth_trying(question):
        likely = _likely(question, run.id)
        completed, gone = ((), {run.id}) if run.id in question.unfinished else ({run.id}, ())
        found = list(
            _if_it_starts(question, Kind.RUN_ENDS, completed=completed, gone=gone, run=run.id, at=likely)
        )
        if found:
            yield found[0]
            return


def _worth_trying(question: Question) -> list[Running]:
    """Whose end helps most likely: all that lacks in one, then the earliest; one of each shape before the rest."""
    lack = question.room.lack(question.forks.target.need)

    def key(run: Running) -> tuple[bool, float, int]:
        likely = _likely(question, run.id)
        return not fits(lack, run.need), float("inf") if likely is None else likely, run.id

    ranked = sorted(question.forks.cluster.running, key=key)
    shapes: set[tuple[object, ...]] = set()
    first: list[Running] = []
    again: list[Running] = []
    for run in ranked:
        shape = (run.need, run.priority, run.stopping, run.organization, run.user)
        (again if shape in shapes else first).append(run)
        shapes.add(shape)
    return [*first, *again][:MOST_ENDS_TRIED]


def _less(question: Question) -> Iterator[Change]:
    target, room = question.forks.target, question.room
    for place, need in enumerate(target.need):
        askable = question.askable[place] if question.askable else Askable()
        works = _works_with(question, place)
        parts = [need * part // PARTS for part in range(1, PARTS)]
        amount = largest(
            works,
            below=need,
            askable=askable,
            probes=(*parts, room.free_now[place], room.after[place]),
        )
        if amount is not None:
            asked = _with(target, place, amount)
            yield from _if_it_starts(question, Kind.ASK_FOR_LESS, target=asked, resource=place, amount=amount)


def _works_with(question: Question, place: int) -> Callable[[int], bool]:
    forks = question.forks

    def works(amount: int) -> bool:
        return forks.effect(forks.plan(target=_with(forks.target, place, amount))) is not None

    return works


def _with(target: Pending, place: int, amount: int) -> Pending:
    need = (*target.need[:place], amount, *target.need[place + 1 :])
    return replace(target, need=need, seated=False)


def _elsewhere(question: Question) -> Iterator[Change]:
    moved = replace(question.forks.target, seated=False)
    for other in question.others:
        if other.blocked is not None or len(other.resources) != len(moved.need):
            continue
        forks = Forks(cluster=other, target=moved, budget=question.forks.budget)
        forks.has_seat = question.forks.has_seat
        plan = forks.plan()
        effect = forks.effect(plan)
        if plan is not None and effect is not None:
            evicts = tuple(one.victim for one in plan.evictions if one.preemptor == moved.id)
            yield Change(Kind.ANOTHER_CLUSTER, effect, cluster_id=other.id, evicts=evicts)


def _cost(question: Question, change: Change) -> tuple[float, ...]:
    if change.kind in {Kind.DEPENDENCIES_MET, Kind.RETRY_DUE}:
        return (0,)
    if change.kind is Kind.RUN_ENDS:
        return (9,) if change.at is None else (1, change.at)
    if change.kind is Kind.CLUSTER_READY:
        return (2,)
    late = change.effect is Effect.SEAT
    if change.kind is Kind.ASK_FOR_LESS:
        need = question.forks.target.need[change.resource or 0]
        return 3, (need - (change.amount or 0)) / need, change.resource or 0
    if change.kind is Kind.ANOTHER_CLUSTER:
        return 4, late, len(change.evicts), change.cluster_id or 0
    return 5, len(change.evicts), late, change.priority or 0
