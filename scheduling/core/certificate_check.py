"""Whether a certificate holds, from its numbers alone: neither the snapshot nor any code of the planner is asked."""

from collections.abc import Sequence
from itertools import pairwise

from scheduling.core.certificate_orders import (
    CertificateRefused,
    check_least_lost,
    check_promised_order,
    room_for,
)
from scheduling.core.certificates import Candidate, Certificate
from scheduling.core.policy import VictimOrder


def check_certificate(certificate: Certificate) -> None:
    """Return if each eviction is needed and the policy's order of choice was kept; else raise CertificateRefused.

    The message tells the figures. What the numbers cannot tell is taken as given: who was a candidate, and in which
    order this cycle's own starts are queued.
    """
    _candidates_are_sound(certificate)
    _candidates_are_in_order(certificate)
    by_id = {one.id: one for one in certificate.candidates}
    room = _chain(certificate, by_id)
    chosen = [by_id[id_] for step in certificate.steps for id_ in step.victims]
    if certificate.victim_order is VictimOrder.LEAST_LOST_WORK:
        check_least_lost(certificate, by_id)
        ids = {one.id for one in chosen}
        chosen = [one for one in certificate.candidates if one.id in ids]
    else:
        check_promised_order(certificate)
    _nobody_stays_out_needlessly(certificate, chosen, room)


def _require(condition: bool, figures: str) -> None:
    if not condition:
        raise CertificateRefused(figures)


def _candidates_are_sound(certificate: Certificate) -> None:
    now, least_run = certificate.now, certificate.minimum_run_seconds * 1_000_000
    width, work = len(certificate.room), certificate.work_resource
    rows = certificate.candidates
    _require(len({one.id for one in rows}) == len(rows), "a candidate is listed twice")
    for one in rows:
        _require(len(one.need) == width and min(one.need, default=0) >= 0, f"{one.id} holds {one.need}")
        lost = one.need[work] * (max(0, now - one.saved_at) // 1000) if width else 0
        _require(one.lost == lost, f"{one.id} would lose {lost}, not {one.lost}")
        if one.own_start:
            starts_now = one.started_at == one.saved_at == now and one.evictions == 0
            withdrawn = certificate.victim_order is not VictimOrder.LEAST_LOST_WORK
            _require(starts_now and withdrawn, f"{one.id} is no start of this cycle that can be withdrawn")
            continue
        ran = max(0, now - one.started_at)
        _require(ran >= least_run, f"{one.id} ran {ran} of at least {least_run} microseconds")
        most = certificate.most_evictions
        _require(
            most is None or one.evictions < most, f"{one.id} was preempted {one.evictions} times already"
        )
    sums = tuple(
        map(sum, zip(*((c.started_at, c.saved_at, c.lost, c.evictions, *c.need) for c in rows), strict=True))
    )
    _require(sums == certificate.totals, f"the candidates add up to {sums}, not {certificate.totals}")


def _candidates_are_in_order(certificate: Certificate) -> None:
    order = certificate.victim_order

    def key(one: Candidate) -> tuple[int, ...]:
        if order is VictimOrder.LEAST_LOST_WORK:
            return one.priority, one.lost, one.id
        if one.own_start:
            return (one.priority, 0)
        age = one.started_at if order is VictimOrder.OLDEST else -one.started_at
        return one.priority, 1, age, one.id

    for one, following in pairwise(certificate.candidates):
        own = one.own_start and following.own_start and order is not VictimOrder.LEAST_LOST_WORK
        in_order = key(one) < key(following) or (own and one.priority == following.priority)
        _require(in_order, f"{one.id} is listed before {following.id}")


def _chain(certificate: Certificate, by_id: dict[int, Candidate]) -> tuple[int, ...]:
    """Follow the room from step to step, and return what is left before anybody is given back."""
    gone: set[int] = set()
    placed: set[int] = set()
    evicted = 0
    room = certificate.steps[0].room if certificate.steps else certificate.room
    for step in certificate.steps:
        who = step.preemptor
        _require(step.room == room, f"{who} found {step.room}, not the {room} that were left")
        _require(len(step.need) == len(room) and min(step.need, default=0) >= 0, f"{who} needs {step.need}")
        _require(who not in placed and (who not in by_id or who in gone), f"{who} is placed twice")
        placed.add(who)
        allowed = certificate.may_preempt.get(step.priority, frozenset())
        for id_ in step.victims:
            victim = by_id.get(id_)
            _require(victim is not None, f"{id_} goes for {who} and is no candidate")
            assert victim is not None  # noqa: S101 (for the type checker; required above)
            _require(id_ not in gone and id_ not in placed, f"{id_} goes twice")
            gone.add(id_)
            lower = victim.priority < step.priority and victim.priority in allowed
            _require(lower, f"{id_} (priority {victim.priority}) goes for {who} (priority {step.priority})")
            room = tuple(there + held for there, held in zip(room, victim.need, strict=True))
            evicted += not victim.own_start
        left = certificate.evictions_left
        _require(left is None or not step.victims or evicted <= left, f"{evicted} evictions, {left} are left")
        _require(room_for(step.need, room), f"{who} needs {step.need} of {room}")
        room = tuple(there - wanted for there, wanted in zip(room, step.need, strict=True))
    return room


def _nobody_stays_out_needlessly(
    certificate: Certificate, chosen: Sequence[Candidate], room: tuple[int, ...]
) -> None:
    """Offer room to all that were chosen, the last one first, and compare with whom the plan gave back."""
    placed = {step.preemptor for step in certificate.steps}
    given_back = set(certificate.given_back)
    free_now = list(certificate.free_now)
    for one in chosen:
        if one.own_start and one.id in given_back:
            free_now = [there + held for there, held in zip(free_now, one.need, strict=True)]
    back = []
    for one in reversed(chosen):
        if one.id in placed or not room_for(one.need, room):
            continue
        if one.own_start:
            if not room_for(one.need, free_now):
                continue
            free_now = [there - held for there, held in zip(free_now, one.need, strict=True)]
        room = tuple(there - held for there, held in zip(room, one.need, strict=True))
        back.append(one.id)
    _require(tuple(back) == certificate.given_back, f"gives back {certificate.given_back}, should {back}")
    _require(room == certificate.room, f"{room} is left, not {certificate.room}")
    evicts = any(not one.own_start and one.id not in given_back for one in chosen)
    _require(evicts, "evicts nobody, and is a certificate")
