"""Whether a certificate holds, from its numbers alone: neither the snapshot nor any code of the planner is asked."""

from collections.abc import Sequence
from itertools import pairwise
from operator import add, sub

from scheduling.core.amounts import Amount
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
    most, rows = certificate.most_evictions, certificate.candidates
    _require(len({one.id for one in rows}) == len(rows), "a candidate is listed twice")
    withdrawn = certificate.victim_order is not VictimOrder.LEAST_LOST_WORK
    _require(
        certificate.lower_priority_first or not withdrawn,
        f"{certificate.victim_order} first, and not the lowest priority first",
    )
    allowed = certificate.may_preempt.items()
    preemptible = {lower for priority, lowers in allowed for lower in lowers if lower < priority}
    for one in rows:
        if one.priority not in preemptible:
            raise CertificateRefused(f"{one.id} has priority {one.priority}, which nobody may preempt")
        if one.rank != (one.priority if certificate.lower_priority_first else 0):
            raise CertificateRefused(f"{one.id} of priority {one.priority} is ranked {one.rank}")
        if len(one.need) != width or min(one.need, default=0) < 0:
            raise CertificateRefused(f"{one.id} holds {one.need}")
        lost = one.need[work] * (max(0, now - one.saved_at) // 1000) if width else 0
        if one.lost != lost:
            raise CertificateRefused(f"{one.id} would lose {lost}, not {one.lost}")
        if one.own_start:
            if not (withdrawn and one.started_at == one.saved_at == now and one.evictions == 0):
                raise CertificateRefused(f"{one.id} is no start of this cycle that can be withdrawn")
        elif max(0, now - one.started_at) < least_run:
            raise CertificateRefused(f"{one.id} ran {now - one.started_at} of {least_run} microseconds")
        elif one.evictions < 0 or (most is not None and one.evictions >= most):
            raise CertificateRefused(f"{one.id} was preempted {one.evictions} times, of at most {most}")
    columns = zip(*((c.started_at, c.saved_at, c.lost, c.evictions, *c.need) for c in rows), strict=True)
    sums = tuple(map(sum, columns))
    _require(sums == certificate.totals, f"the candidates add up to {sums}, not {certificate.totals}")


def _candidates_are_in_order(certificate: Certificate) -> None:
    order = certificate.victim_order

    def key(one: Candidate) -> tuple[int, ...]:
        if order is VictimOrder.LEAST_LOST_WORK:
            return one.rank, one.lost, one.id
        if one.own_start:
            return (one.priority, 0)
        return one.priority, 1, one.started_at if order is VictimOrder.OLDEST else -one.started_at, one.id

    for (before, one), (after, following) in pairwise((key(one), one) for one in certificate.candidates):
        # Own starts of one priority have equal keys: their places in the queue are not among the numbers.
        if before > after or (before == after and not following.own_start):
            raise CertificateRefused(f"{one.id} is listed before {following.id}")


def _chain(certificate: Certificate, by_id: dict[int, Candidate]) -> Amount:
    """Follow the room from step to step, and return what is left before anybody is given back."""
    gone: set[int] = set()
    placed: set[int] = set()
    evicted = 0
    room = certificate.steps[0].room if certificate.steps else certificate.room
    for step in certificate.steps:
        who, need, left = step.preemptor, step.need, certificate.evictions_left
        if step.room != room:
            raise CertificateRefused(f"{who} found {step.room}, not the {room} that were left")
        if len(need) != len(room) or min(need, default=0) < 0:
            raise CertificateRefused(f"{who} needs {need}")
        if who in placed or (who in by_id and who not in gone):
            raise CertificateRefused(f"{who} is placed, and holds room already")
        placed.add(who)
        for id_ in step.victims:
            victim = by_id.get(id_)
            if victim is None or id_ in gone or id_ in placed:
                raise CertificateRefused(f"{id_} goes for {who}, and is no candidate or gone already")
            gone.add(id_)
            allowed = certificate.may_preempt.get(step.priority, ())
            if victim.priority >= step.priority or victim.priority not in allowed:
                raise CertificateRefused(f"{id_} ({victim.priority}) goes for {who} ({step.priority})")
            room = tuple(map(add, room, victim.need))
            evicted += not victim.own_start
        if step.victims and left is not None and evicted > left:
            raise CertificateRefused(f"{evicted} evictions for {who} and those before, of {left}")
        if not room_for(need, room):
            raise CertificateRefused(f"{who} needs {need} of {room}")
        room = tuple(map(sub, room, need))
    return room


def _nobody_stays_out_needlessly(certificate: Certificate, chosen: Sequence[Candidate], room: Amount) -> None:
    """Offer room to all that were chosen, the last one first, and compare with whom the plan gave back."""
    placed = {step.preemptor for step in certificate.steps}
    given_back = set(certificate.given_back)
    free_now = list(certificate.free_now)
    for one in chosen:
        if one.own_start and one.id in given_back:
            free_now = list(map(add, free_now, one.need))
    back = []
    for one in reversed(chosen):
        if one.id in placed or not room_for(one.need, room):
            continue
        if one.own_start:
            if not room_for(one.need, free_now):
                continue
            free_now = list(map(sub, free_now, one.need))
        room = tuple(map(sub, room, one.need))
        back.append(one.id)
    _require(tuple(back) == certificate.given_back, f"gives back {certificate.given_back}, should {back}")
    _require(room == certificate.room, f"{room} is left, not {certificate.room}")
    evicts = any(not one.own_start and one.id not in given_back for one in chosen)
    _require(evicts, "evicts nobody, and is a certificate")
