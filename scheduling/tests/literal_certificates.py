"""What a certificate has to be, written out as literally as possible, to hold the real check against.

Every sum is counted anew, every walk is walked in full, every pair is tried: slow, and easy to check by reading.
"""

from collections.abc import Iterable, Sequence

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Candidate, Certificate, Step
from scheduling.core.policy import VictimOrder


def holds(certificate: Certificate) -> bool:
    """Say whether all that a certificate claims is so."""
    try:
        return (
            _candidates_are_sound(certificate)
            and _candidates_are_sorted(certificate)
            and _steps_are_sound(certificate)
            and _choice_is_the_rule(certificate)
            and _netting_is_the_rule(certificate)
        )
    except (KeyError, ValueError):  # unknown ids, amounts of another width
        return False


def fits(need: Amount, room: Amount) -> bool:
    return all(n <= r for n, r in zip(need, room, strict=True))


def plus(room: Amount, rows: Iterable[Candidate | Step], sign: int = 1) -> Amount:
    for row in rows:
        room = tuple(r + sign * n for r, n in zip(room, row.need, strict=True))
    return room


def _candidates_are_sound(c: Certificate) -> bool:
    if not c.lower_priority_first and c.victim_order is not VictimOrder.LEAST_LOST_WORK:
        return False
    for one in c.candidates:
        lost = one.need[c.work_resource] * (max(0, c.now - one.saved_at) // 1000)
        long_enough = max(0, c.now - one.started_at) >= c.minimum_run_seconds * 1_000_000
        seldom_enough = c.most_evictions is None or one.evictions < c.most_evictions
        own = (one.started_at, one.saved_at, one.evictions) == (c.now, c.now, 0)
        own = own and c.victim_order is not VictimOrder.LEAST_LOST_WORK
        if not any(one.priority in _lower(c, priority) for priority in c.may_preempt):
            return False
        if one.rank != (one.priority if c.lower_priority_first else 0):
            return False
        able = own if one.own_start else long_enough and seldom_enough and one.evictions >= 0
        if min(one.need) < 0 or len(one.need) != len(c.room) or one.lost != lost or not able:
            return False
    columns = [[o.started_at, o.saved_at, o.lost, o.evictions, *o.need] for o in c.candidates]
    distinct = len({one.id for one in c.candidates}) == len(c.candidates)
    return distinct and c.totals == tuple(sum(column) for column in zip(*columns, strict=True))


def _candidates_are_sorted(c: Certificate) -> bool:
    by_rule: list[Candidate] = []
    for rank in sorted({one.rank for one in c.candidates}):
        rows = [one for one in c.candidates if one.rank == rank]
        if c.victim_order is VictimOrder.LEAST_LOST_WORK:
            by_rule += sorted(rows, key=lambda one: (one.lost, one.id))
            continue
        by_rule += [one for one in rows if one.own_start]
        runs = sorted((one for one in rows if not one.own_start), key=lambda one: one.id)
        youngest = c.victim_order is VictimOrder.YOUNGEST
        by_rule += sorted(runs, key=lambda one: one.started_at, reverse=youngest)
    return by_rule == list(c.candidates)


def _victims(c: Certificate, steps: Sequence[Step]) -> list[Candidate]:
    by_id = {one.id: one for one in c.candidates}
    return [by_id[id_] for step in steps for id_ in step.victims]


def _steps_are_sound(c: Certificate) -> bool:
    if not c.steps:
        return False
    taken: list[int] = []
    for number, step in enumerate(c.steps):
        before = c.steps[:number]
        room = plus(plus(c.steps[0].room, _victims(c, before)), before, -1)
        victims = _victims(c, [step])
        lower = all(
            one.priority < step.priority and one.priority in c.may_preempt.get(step.priority, ())
            for one in victims
        )
        placed = [one.preemptor for one in c.steps[: number + 1]]
        candidate = step.preemptor in [one.id for one in c.candidates]
        sound = len(set(placed)) == len(placed) and (not candidate or step.preemptor in taken)
        taken += step.victims
        unused = len(set(taken)) == len(taken) and not set(step.victims) & set(placed)
        runs = [one for one in _victims(c, c.steps[: number + 1]) if not one.own_start]
        few = c.evictions_left is None or not victims or len(runs) <= c.evictions_left
        fitting = min(step.need) >= 0 and fits(step.need, plus(room, victims))
        if not (step.room == room and lower and sound and unused and few and fitting):
            return False
    return True


def _choice_is_the_rule(c: Certificate) -> bool:
    if c.victim_order is VictimOrder.LEAST_LOST_WORK:
        priorities = [step.priority for step in c.steps]
        return priorities == sorted(priorities, reverse=True) and all(
            _group_is_the_rule(c, priority) for priority in set(priorities)
        )
    return all(_walk(c, number) == step.victims for number, step in enumerate(c.steps))


def _lower(c: Certificate, priority: int) -> list[int]:
    return sorted(p for p in c.may_preempt.get(priority, ()) if p < priority)


def _walk(c: Certificate, number: int) -> tuple[int, ...]:
    step = c.steps[number]
    gone = [id_ for before in c.steps[:number] for id_ in before.victims]
    chosen: list[Candidate] = []
    for one in c.candidates:
        able = one.priority in _lower(c, step.priority) and one.id not in gone
        if able and not fits(step.need, plus(step.room, chosen)):
            chosen.append(one)
    for one in reversed(list(chosen)):
        if fits(step.need, plus(step.room, [other for other in chosen if other is not one])):
            chosen.remove(one)
    return tuple(one.id for one in chosen)


def _group_is_the_rule(c: Certificate, priority: int) -> bool:
    steps = [step for step in c.steps if step.priority == priority]
    first = c.steps.index(steps[0])
    gone = [id_ for before in c.steps[:first] for id_ in before.victims]
    able = [one for one in c.candidates if one.priority in _lower(c, priority) and one.id not in gone]
    victims = _victims(c, steps)
    spared = [one for one in able if one not in victims]

    def enough(chosen: Iterable[Candidate]) -> bool:
        return fits((0,) * len(c.room), plus(plus(steps[0].room, chosen), steps, -1))

    if victims != [one for one in c.candidates if one in victims]:
        return False
    for step in steps:
        for last in range(len(step.victims)):
            if fits(step.need, plus(step.room, _victims(c, [step])[:last])):
                return False
    if victims and enough(one for one in able if one.rank < max(v.rank for v in victims)):
        return False
    for one in victims:
        rest = [other for other in victims if other is not one]
        cheaper = [other for other in spared if (other.rank, other.lost) < (one.rank, one.lost)]
        if enough(rest) or any(enough([*rest, other]) for other in cheaper):
            return False
    return True


def _netting_is_the_rule(c: Certificate) -> bool:
    chosen = _victims(c, c.steps)
    by_id = {one.id: one for one in c.candidates}
    given_back = [by_id[id_] for id_ in c.given_back]
    room = plus(plus(c.steps[0].room, chosen), c.steps, -1)
    free_now = plus(c.free_now, [one for one in given_back if one.own_start])
    placed = [step.preemptor for step in c.steps]
    back: list[Candidate] = []
    if c.victim_order is VictimOrder.LEAST_LOST_WORK:
        chosen = [one for one in c.candidates if one in chosen]
    for one in reversed(chosen):
        starts_again = not one.own_start or fits(
            one.need, plus(free_now, [other for other in back if other.own_start], -1)
        )
        if one.id not in placed and fits(one.need, plus(room, back, -1)) and starts_again:
            back.append(one)
    evicted = [one for one in chosen if not one.own_start and one not in back]
    return back == given_back and plus(room, back, -1) == c.room and bool(evicted)
