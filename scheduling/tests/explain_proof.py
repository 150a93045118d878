"""Random waiting deployments, and by brute force, without the code under test, what would start them.

    python -m scheduling.tests.explain_proof 10000

prints how many states were tried, how many suggestions came of them, and how many of those were true.
"""

import sys
from collections import Counter
from dataclasses import replace
from itertools import count
from random import Random

from scheduling.core.changes import Change, Kind
from scheduling.core.decide import decide
from scheduling.core.explain import Explanation, Known, explain
from scheduling.core.policy import BALANCED, LEAST_WASTE, PRESETS
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Pending, Snapshot
from scheduling.tests.strategies import BLOCKS, HOLDS, MIDDLE_PREEMPTS_TOO, contended_cluster

UNIT = 1000
"""So far apart are the amounts of a state, that an amount between them is like the next larger one."""
POLICIES = (
    *PRESETS.values(),
    MIDDLE_PREEMPTS_TOO,
    replace(BALANCED, reservation_after_seconds=3600),
    replace(LEAST_WASTE, minimum_run_seconds=3 * 3600, ageing_seconds=2 * 3600),
)
HOUR = 3600 * 10**6


def a_state(dice: Random, id_: int = 1) -> ClusterState:
    """A contended cluster in large units, of any policy; now and then blocked, with some who are held."""
    state = contended_cluster(dice)

    def large(row):
        return replace(
            row,
            need=tuple(amount * UNIT for amount in row.need),
            organization=dice.randint(1, 2),
            user=dice.randint(1, 2),
            expected=dice.choice((None, HOUR, 5 * HOUR)),
        )

    return replace(
        state,
        id=id_,
        pools=tuple(tuple(amount * UNIT for amount in pool) for pool in state.pools),
        running=tuple(replace(large(run), started_at=run.started_at * HOUR) for run in state.running),
        pending=tuple(
            replace(
                large(one),
                queued_at=one.queued_at * HOUR,
                hold=dice.choice(HOLDS) if dice.random() < 0.08 else None,
            )
            for one in state.pending
        ),
        policy=dice.choice(POLICIES),
        blocked=dice.choice(BLOCKS[:2]) if dice.random() < 0.06 else None,
        now=4 * HOUR,
        evictions_left=dice.choice((None, None, 1)),
    )


def others(dice: Random, width: int) -> list[ClusterState]:
    """Up to three clusters with the same resources, with ids of their own for all."""
    made = (a_state(dice, id_) for id_ in count(2))
    alike = (one for one in made if len(one.resources) == width)
    found = [next(alike) for _ in range(dice.randint(0, 3))]
    return [
        replace(
            state,
            running=tuple(replace(run, id=run.id + 1000 * state.id) for run in state.running),
            pending=tuple(replace(one, id=one.id + 1000 * state.id) for one in state.pending),
        )
        for state in found
    ]


def placed(state: ClusterState, id_: int) -> bool:
    """Whether the next cycle starts it, or gives it a seat that it did not have."""
    (plan,) = decide(Snapshot.of([state])).clusters
    return id_ in plan.starts or id_ in plan.seats


def with_row(state: ClusterState, row: Pending) -> ClusterState:
    return replace(state, pending=(*(one for one in state.pending if one.id != row.id), row))


def waits_on(dice: Random, state: ClusterState) -> dict[int, set[int]]:
    """What those who are held by dependencies wait for: runs here, others who wait here, and one elsewhere."""
    held = [one for one in state.pending if one.hold in HOLDS[:2]]
    found: dict[int, set[int]] = {}
    for place, one in enumerate(held):
        upstream = [run.id for run in state.running] * 3 + [-1] + [before.id for before in held[:place]]
        found[one.id] = set(dice.choices(upstream, k=dice.choice((1, 1, 1, 2))))
    return found


def all_ahead(id_: int, known: Known) -> set[int]:
    direct = set(known.waits_on.get(id_, ()))
    return direct.union(*(all_ahead(one, known) for one in direct))


def when_completed(state: ClusterState, row: Pending, known: Known, done: set[int]) -> ClusterState:
    """Without them, and without the hold of those others who waited for nothing else."""
    return as_loaded(
        replace(
            state,
            running=tuple(run for run in state.running if run.id not in done),
            pending=tuple(
                replace(one, hold=None)
                if one.id != row.id and known.waits_on.get(one.id, {-2}) <= done
                else one
                for one in state.pending
                if one.id not in done
            ),
        )
    )


def when_dependencies_are_met(state: ClusterState, row: Pending, known: Known) -> ClusterState:
    return with_row(when_completed(state, row, known, all_ahead(row.id, known)), replace(row, hold=None))


def as_loaded(state: ClusterState) -> ClusterState:
    """Blocked as overcommitted if and only if its runs hold more than there is, as the shell tells it."""
    if state.blocked not in {None, Reason.CLUSTER_OVERCOMMITTED}:
        return state
    total, held = (
        [sum(column) for column in zip(*rows, strict=True)]
        for rows in (state.pools, [(0,) * len(state.resources), *(run.need for run in state.running)])
    )
    over = any(much > there for much, there in zip(held, total, strict=True))
    return replace(state, blocked=Reason.CLUSTER_OVERCOMMITTED if over else None)


def with_need(row: Pending, place: int, amount: int) -> Pending:
    need = list(row.need)
    need[place] = amount
    return replace(row, need=tuple(need), seated=False)


def changed(state: ClusterState, row: Pending, change: Change, known: Known) -> ClusterState:
    """The cluster that the deployment is planned in, after the change."""
    match change.kind:
        case Kind.RETRY_DUE:
            return with_row(state, replace(row, hold=None))
        case Kind.DEPENDENCIES_MET:
            assert change.run is None or known.waits_on[row.id] == {change.run}
            return when_dependencies_are_met(state, row, known)
        case Kind.RUN_ENDS:
            return when_completed(state, row, known, {change.run})
        case Kind.CLUSTER_READY:
            return replace(state, blocked=None)
        case Kind.ASK_FOR_LESS:
            assert change.amount < row.need[change.resource]
            return with_row(state, with_need(row, change.resource, change.amount))
        case Kind.ANOTHER_CLUSTER:
            (there,) = (one for one in known.others if one.id == change.cluster_id)
            return with_row(there, replace(row, seated=False))
        case Kind.ANOTHER_PRIORITY:
            return with_row(state, replace(row, priority=change.priority, seated=False))


def smaller_that_start(state: ClusterState, row: Pending) -> dict[int, int]:
    """Resource → the largest smaller amount that starts it, all amounts tried."""
    found = {}
    for place, need in enumerate(row.need):
        tried = {0, *range(1, need, UNIT), *range(UNIT, need, UNIT), *([need - 1] if need else [])}
        works = [
            amount
            for amount in sorted(tried)
            if amount < need and placed(with_row(state, with_need(row, place, amount)), row.id)
        ]
        if works:
            found[place] = works[-1]
    return found


def kinds_that_start(state: ClusterState, row: Pending, known: Known) -> set[Kind]:
    """The kinds of single changes, other than asking for less, of which any starts it."""
    found = set()
    if any(placed(when_completed(state, row, known, {run.id}), row.id) for run in state.running):
        found.add(Kind.RUN_ENDS)
    if any(
        placed(with_row(state, replace(row, priority=priority, seated=False)), row.id)
        for priority in range(row.priority + 1, 4)
    ):
        found.add(Kind.ANOTHER_PRIORITY)
    if any(placed(with_row(there, replace(row, seated=False)), row.id) for there in known.others):
        found.add(Kind.ANOTHER_CLUSTER)
    if state.blocked and placed(replace(state, blocked=None), row.id):
        found.add(Kind.CLUSTER_READY)
    if row.hold is Reason.WAITING_FOR_RETRY and placed(with_row(state, replace(row, hold=None)), row.id):
        found.add(Kind.RETRY_DUE)
    if row.hold in HOLDS[:2] and placed(when_dependencies_are_met(state, row, known), row.id):
        found.add(Kind.DEPENDENCIES_MET)
    return found


def explained(seed: int) -> list[tuple[ClusterState, Pending, Known, Explanation]]:
    """Each one of a random state that waits and has no seat, explained."""
    dice = Random(seed)
    state = a_state(dice)
    known = Known(others=others(dice, len(state.resources)), waits_on=waits_on(dice, state))
    return [
        (state, row, known, explain(state, row.id, known))
        for row in state.pending
        if not row.seated and not placed(state, row.id)
    ]


def proof(states: int) -> Counter[str]:
    """Try so many states. Asserts what must hold in every one; counts the rest."""
    told: Counter[str] = Counter()
    for seed in range(states):
        told["states"] += 1
        for state, row, known, explanation in explained(seed):
            told["waiting"] += 1
            for change in explanation.changes:
                told["suggestions"] += 1
                told[f"  {change.kind}"] += 1
                told["  of the only dependency"] += (
                    change.kind is Kind.DEPENDENCIES_MET and change.run is not None
                )
                told["started"] += placed(changed(state, row, change, known), row.id)
            has = {change.kind for change in explanation.changes}
            assert kinds_that_start(state, row, known) <= has, (seed, row.id)
            less = smaller_that_start(state, row)
            assert bool(less) == (Kind.ASK_FOR_LESS in has), (seed, row.id)
            for change in explanation.changes:
                if change.kind is Kind.ASK_FOR_LESS:
                    told["smaller amounts"] += 1
                    told["smaller amounts that are the largest"] += change.amount == less[change.resource]
    return told


if __name__ == "__main__":
    for name, figure in proof(int(sys.argv[1]) if len(sys.argv) > 1 else 300).items():
        sys.stdout.write(f"{name}: {figure}\n")
