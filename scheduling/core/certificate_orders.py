"""The orders of choice that a certificate is held against: the promised walk, and the least lost work."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from operator import add, le, sub

import numpy as np

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Candidate, Certificate, Step

BLOCK = 256


class CertificateRefused(Exception):
    """A certificate that does not hold; the message tells the figures."""


def room_for(need: Sequence[int], room: Sequence[int]) -> bool:
    """Say whether `need` is there in every resource."""
    return all(map(le, need, room))


def allowed_for(certificate: Certificate, priority: int) -> list[int]:
    """List the priorities whose work one of `priority` may push aside, lowest first."""
    return sorted(lower for lower in certificate.may_preempt.get(priority, ()) if lower < priority)


def check_promised_order(certificate: Certificate) -> None:
    """Derive each step's victims by the promised rule, from those that earlier steps have left, and compare.

    The rule: in the candidates' order until the preemptor fits, then give back, last one first, who is not needed.
    """
    waiting = _Line(certificate.candidates)
    for step in certificate.steps:
        derived = waiting.derive(step, allowed_for(certificate, step.priority))
        if derived != step.victims:
            raise CertificateRefused(f"{step.victims} go for {step.preemptor}, should {derived}")
        waiting.remove(derived)


class _Line:
    """Who could still go, in order, kept apart by priority and by the set of resources that they hold any of."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.places = {one.id: (place, one) for place, one in enumerate(candidates)}
        self.kinds: dict[tuple[int, int], OrderedDict[int, Candidate]] = {}
        for place, one in enumerate(candidates):
            self.kinds.setdefault((one.priority, _bits(one.need)), OrderedDict())[place] = one

    def remove(self, ids: Sequence[int]) -> None:
        for id_ in ids:
            place, one = self.places[id_]
            del self.kinds[one.priority, _bits(one.need)][place]

    def derive(self, step: Step, priorities: Sequence[int]) -> tuple[int, ...]:
        lack = [wanted - there for wanted, there in zip(step.need, step.room, strict=True)]
        walked: list[Candidate] = []
        for priority in priorities:
            walked.extend(self._walk(priority, lack))
        spare = [-missing for missing in lack]
        kept: list[int] = []
        for one in reversed(walked):
            if room_for(one.need, spare):
                spare = list(map(sub, spare, one.need))
            else:
                kept.append(one.id)
        return tuple(reversed(kept))

    def _walk(self, priority: int, lack: list[int]) -> Iterator[Candidate]:
        """Yield those of one priority in order, and count them off `lack`, until nothing lacks.

        Who holds nothing that lacks when it is their turn is left out: they would be the first to be given back.
        """
        lacking = _bits(lack)
        heads = []
        for (of, kind), line in self.kinds.items():
            if of == priority and kind & lacking and line:
                rest = iter(line.items())
                heads.append((*next(rest), kind, rest))
        heapify(heads)
        while heads and lacking:
            _, one, kind, rest = heads[0]
            after = None
            if kind & lacking:
                yield one
                for axis, held in enumerate(one.need):
                    lack[axis] -= held
                lacking = _bits(lack)
                after = next(rest, None)
            if after is None:
                heappop(heads)
            else:
                heapreplace(heads, (*after, kind, rest))


def _bits(amounts: Sequence[int]) -> int:
    found, bit = 0, 1
    for amount in amounts:
        if amount > 0:
            found |= bit
        bit <<= 1
    return found


def check_least_lost(certificate: Certificate, by_id: Mapping[int, Candidate]) -> None:
    """Hold the victims of each priority's steps, as one choice, against all who could have gone instead."""
    place = {one.id: index for index, one in enumerate(certificate.candidates)}
    gone: set[int] = set()
    groups: dict[int, list[Step]] = {}
    for step in certificate.steps:
        if groups and step.priority not in groups and step.priority > min(groups):
            raise CertificateRefused(f"{step.preemptor} (priority {step.priority}) comes behind lower ones")
        if groups and step.priority in groups and step.priority != next(reversed(groups)):
            raise CertificateRefused(f"{step.preemptor} comes apart from the others of its priority")
        groups.setdefault(step.priority, []).append(step)
    for priority, steps in groups.items():
        victims = [by_id[id_] for step in steps for id_ in step.victims]
        places = [place[one.id] for one in victims]
        if places != sorted(places):
            raise CertificateRefused(f"{[one.id for one in victims]} are not dealt out in their order")
        _dealt_as_needed(steps, by_id)
        allowed = allowed_for(certificate, priority)
        able = [one for one in certificate.candidates if one.priority in allowed and one.id not in gone]
        gone.update(one.id for one in victims)
        if victims:
            last = steps[-1]
            room = [there - wanted for there, wanted in zip(last.room, last.need, strict=True)]
            for id_ in last.victims:
                room = list(map(add, room, by_id[id_].need))
            _lower_ones_do_not_suffice(victims, able, room)
            _none_is_needless(victims, room)
            _no_exchange_loses_less(victims, [one for one in able if one.id not in gone], room)


def _dealt_as_needed(steps: Sequence[Step], by_id: Mapping[int, Candidate]) -> None:
    for step in steps:
        room = list(step.room)
        for id_ in step.victims:
            if room_for(step.need, room):
                raise CertificateRefused(f"{id_} goes for {step.preemptor}, which fits {room} without")
            room = list(map(add, room, by_id[id_].need))


def _lower_ones_do_not_suffice(
    victims: Sequence[Candidate], able: Sequence[Candidate], room: Sequence[int]
) -> None:
    highest = max(one.rank for one in victims)
    ids = {one.id for one in victims}
    reach = list(room)
    for one in able:
        if one.rank < highest and one.id not in ids:
            reach = list(map(add, reach, one.need))
    for one in victims:
        if one.rank == highest:
            reach = list(map(sub, reach, one.need))
    if min(reach) >= 0:
        raise CertificateRefused(f"rank {highest} goes, and all lower ones would leave {reach}")


def _none_is_needless(victims: Sequence[Candidate], room: Sequence[int]) -> None:
    for one in victims:
        if room_for(one.need, room):
            raise CertificateRefused(f"{one.id} ({one.need}) goes needlessly: {room} stays free")


def _no_exchange_loses_less(
    victims: Sequence[Candidate], others: Sequence[Candidate], room: Sequence[int]
) -> None:
    """Compare each kind of victim's dearest with each kind of spared one's cheapest; of a kind: who hold the same."""
    dearest: dict[Amount, Candidate] = {}
    cheapest: dict[Amount, Candidate] = {}
    for one in victims:  # in order: the last of a kind is the dearest
        dearest[one.need] = one
    for one in others:
        cheapest.setdefault(one.need, one)
    price = {
        key: rank for rank, key in enumerate(sorted({(one.rank, one.lost) for one in (*victims, *others)}))
    }
    inside, outside = list(dearest.values()), list(cheapest.values())
    if not outside:
        return
    out_price = np.array([price[one.rank, one.lost] for one in outside])
    out_need = np.array([one.need for one in outside])
    for start in range(0, len(inside), BLOCK):
        block = inside[start : start + BLOCK]
        better = out_price < np.array([price[one.rank, one.lost] for one in block])[:, None]
        for axis, there in enumerate(room):
            better &= out_need[:, axis] + there >= np.array([one.need[axis] for one in block])[:, None]
        if better.any():
            row, column = map(int, np.argwhere(better)[0])
            one, other = block[row], outside[column]
            raise CertificateRefused(
                f"{one.id} (priority {one.priority}, loses {one.lost}) goes, and {other.id} "
                f"(priority {other.priority}, loses {other.lost}) would do"
            )
