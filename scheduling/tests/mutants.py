"""Certificates with one thing wrong: as a planner's fault, or a hand that is smarter, would leave them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import add, sub
from random import Random

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Candidate, Certificate, Step, lost_work, totals_of
from scheduling.core.policy import VictimOrder


def mutant(certificate: Certificate, dice: Random) -> tuple[str, Certificate] | None:
    """Draw a kind of fault and put it in; None where this certificate has no place for it.

    Half of them are repaired afterwards: rooms, sums, lost work and what is given back are made to agree with the fault
    again, so that nothing but the rule itself speaks against it.
    """
    kind = dice.choice(KINDS)
    broken = kind(certificate, dice)
    if broken is None:
        return None
    if dice.random() < 0.5:
        broken = repaired(broken)
    return (kind.__name__, broken) if broken != certificate else None


def repaired(c: Certificate) -> Certificate:
    """Count all figures that follow from others anew."""
    candidates = tuple(
        replace(
            one,
            lost=lost_work(one.need, work_resource=c.work_resource, saved_at=one.saved_at, now=c.now),
            rank=one.priority if c.lower_priority_first else 0,
        )
        for one in c.candidates
    )
    by_id = {one.id: one for one in candidates}
    room = c.steps[0].room if c.steps else c.room
    steps = []
    for step in c.steps:
        steps.append(replace(step, room=room))
        for id_ in step.victims:
            room = tuple(map(add, room, by_id[id_].need))
        room = tuple(map(sub, room, step.need))
    chosen = [id_ for step in steps for id_ in step.victims]
    if c.victim_order is VictimOrder.LEAST_LOST_WORK:
        chosen = [one.id for one in candidates if one.id in set(chosen)]
    placed = {step.preemptor for step in steps}
    back = []
    for id_ in dict.fromkeys(reversed(chosen)):
        one = by_id[id_]
        able = id_ not in placed and (not one.own_start or id_ in c.given_back)
        if able and all(map(int.__le__, one.need, room)):
            room = tuple(map(sub, room, one.need))
            back.append(id_)
    return replace(
        c,
        candidates=candidates,
        steps=tuple(steps),
        given_back=tuple(back),
        room=room,
        totals=totals_of(candidates),
    )


def _some_step(c: Certificate, dice: Random, *, with_victims: bool = True) -> int | None:
    found = [number for number, step in enumerate(c.steps) if step.victims or not with_victims]
    return dice.choice(found) if found else None


def _with_victims(c: Certificate, number: int, victims: Sequence[int]) -> Certificate:
    return _with_step(c, number, replace(c.steps[number], victims=tuple(victims)))


def _with_step(c: Certificate, number: int, step: Step) -> Certificate:
    return replace(c, steps=(*c.steps[:number], step, *c.steps[number + 1 :]))


def _with_candidate(c: Certificate, one: Candidate) -> Certificate:
    return replace(c, candidates=tuple(one if other.id == one.id else other for other in c.candidates))


def _spared(c: Certificate) -> list[Candidate]:
    gone = {id_ for step in c.steps for id_ in step.victims}
    return [one for one in c.candidates if one.id not in gone]


def _nudged(amount: Amount, dice: Random) -> Amount:
    axis = dice.randrange(len(amount))
    return tuple(
        max(0, value + dice.choice((-2, -1, 1, 2))) if at == axis else value
        for at, value in enumerate(amount)
    )


def a_victim_added(c: Certificate, dice: Random) -> Certificate | None:
    number, spared = _some_step(c, dice, with_victims=False), _spared(c)
    if number is None or not spared:
        return None
    victims = list(c.steps[number].victims)
    victims.insert(dice.randint(0, len(victims)), dice.choice(spared).id)
    return _with_victims(c, number, victims)


def a_victim_swapped(c: Certificate, dice: Random) -> Certificate | None:
    number, spared = _some_step(c, dice), _spared(c)
    if number is None or not spared:
        return None
    victims = list(c.steps[number].victims)
    victims[dice.randrange(len(victims))] = dice.choice(spared).id
    place = {one.id: index for index, one in enumerate(c.candidates)}
    return _with_victims(c, number, sorted(victims, key=place.__getitem__))


def a_victim_dropped(c: Certificate, dice: Random) -> Certificate | None:
    number = _some_step(c, dice)
    if number is None:
        return None
    victims = list(c.steps[number].victims)
    victims.pop(dice.randrange(len(victims)))
    return _with_victims(c, number, victims)


def a_victim_dealt_to_another_step(c: Certificate, dice: Random) -> Certificate | None:
    number, other = _some_step(c, dice), _some_step(c, dice, with_victims=False)
    if number is None or other is None or number == other:
        return None
    victims = list(c.steps[number].victims)
    moved = victims.pop(dice.randrange(len(victims)))
    return _with_victims(_with_victims(c, number, victims), other, (*c.steps[other].victims, moved))


def victims_in_another_order(c: Certificate, dice: Random) -> Certificate | None:
    number = _some_step(c, dice)
    if number is None:
        return None
    victims = list(c.steps[number].victims)
    dice.shuffle(victims)
    return _with_victims(c, number, victims)


def an_amount_altered(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, need=_nudged(one.need, dice)))


def a_start_altered(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, started_at=one.started_at + _moment(dice)))


def a_checkpoint_altered(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, saved_at=one.saved_at + _moment(dice)))


def _moment(dice: Random) -> int:
    return dice.choice((-1, 1)) * dice.choice((1, 1_000, 1_000_000, 300_000_000))


def a_loss_altered(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(
        c, replace(one, lost=max(0, one.lost + dice.choice((-1, 1)) * dice.randint(1, 10**6)))
    )


def a_priority_altered(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, priority=dice.choice((1, 2, 3))))


def a_rank_altered(c: Certificate, dice: Random) -> Certificate | None:
    if dice.random() < 0.5:
        return replace(c, lower_priority_first=not c.lower_priority_first)
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, rank=dice.choice((0, 1, 2))))


def an_own_start_told_as_a_run(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    return _with_candidate(c, replace(one, own_start=not one.own_start))


def candidates_in_another_order(c: Certificate, dice: Random) -> Certificate | None:
    if len(c.candidates) < 2:
        return None
    rows = list(c.candidates)
    at = dice.randrange(len(rows) - 1)
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    return replace(c, candidates=tuple(rows))


def a_candidate_twice(c: Certificate, dice: Random) -> Certificate | None:
    one = dice.choice(c.candidates)
    at = c.candidates.index(one)
    return replace(c, candidates=(*c.candidates[:at], one, *c.candidates[at:]))


def a_preemptors_need_altered(c: Certificate, dice: Random) -> Certificate | None:
    number = dice.randrange(len(c.steps))
    step = c.steps[number]
    return _with_step(c, number, replace(step, need=_nudged(step.need, dice)))


def a_preemptors_priority_altered(c: Certificate, dice: Random) -> Certificate | None:
    number = dice.randrange(len(c.steps))
    return _with_step(c, number, replace(c.steps[number], priority=dice.choice((1, 2, 3))))


def a_preemptor_placed_twice(c: Certificate, dice: Random) -> Certificate | None:
    number = dice.randrange(len(c.steps))
    return _with_step(c, number, replace(c.steps[number], preemptor=dice.choice(c.steps).preemptor))


def steps_swapped(c: Certificate, dice: Random) -> Certificate | None:
    if len(c.steps) < 2:
        return None
    steps = list(c.steps)
    at = dice.randrange(len(steps) - 1)
    room = steps[0].room
    steps[at], steps[at + 1] = steps[at + 1], steps[at]
    return replace(c, steps=(replace(steps[0], room=room), *steps[1:]))


def a_room_altered(c: Certificate, dice: Random) -> Certificate | None:
    number = dice.randrange(len(c.steps) + 1)
    if number == len(c.steps):
        return replace(c, room=_nudged(c.room, dice))
    return _with_step(c, number, replace(c.steps[number], room=_nudged(c.steps[number].room, dice)))


def given_back_altered(c: Certificate, dice: Random) -> Certificate | None:
    chosen = [id_ for step in c.steps for id_ in step.victims]
    back = list(c.given_back)
    if back and dice.random() < 0.5:
        back.pop(dice.randrange(len(back)))
    else:
        back.insert(dice.randint(0, len(back)), dice.choice(chosen))
    return replace(c, given_back=tuple(back))


def a_limit_altered(c: Certificate, dice: Random) -> Certificate | None:
    return dice.choice(
        (
            replace(c, evictions_left=dice.randint(0, 2)),
            replace(c, most_evictions=dice.randint(0, 2)),
            replace(c, minimum_run_seconds=dice.choice((1, 50, 500))),
        )
    )


def the_moment_altered(c: Certificate, dice: Random) -> Certificate | None:
    return replace(c, now=c.now + _moment(dice))


KINDS: tuple[Callable[[Certificate, Random], Certificate | None], ...] = (
    a_victim_added,
    a_victim_added,
    a_victim_swapped,
    a_victim_swapped,
    a_victim_swapped,
    a_victim_dropped,
    a_victim_dropped,
    a_victim_dealt_to_another_step,
    victims_in_another_order,
    an_amount_altered,
    an_amount_altered,
    a_start_altered,
    a_checkpoint_altered,
    a_loss_altered,
    a_priority_altered,
    a_rank_altered,
    an_own_start_told_as_a_run,
    candidates_in_another_order,
    a_candidate_twice,
    a_preemptors_need_altered,
    a_preemptors_need_altered,
    a_preemptors_priority_altered,
    a_preemptor_placed_twice,
    steps_swapped,
    a_room_altered,
    given_back_altered,
    a_limit_altered,
    the_moment_altered,
)
