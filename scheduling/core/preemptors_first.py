"""Planning where victims are chosen by lost work: who may preempt is placed before anybody lower starts.

So free room is spent before work is destroyed, and the victims of all preemptors of one priority are one choice.
"""

from collections.abc import Sequence

from scheduling.core import least_lost
from scheduling.core.amounts import Amount, add, fits, subtract
from scheduling.core.certificates import Candidate, Certificate, Step
from scheduling.core.draft import Draft
from scheduling.core.evidence import as_candidate, certify, evictable
from scheduling.core.order import Standing
from scheduling.core.state import Pending


class PreemptorsFirst:
    """The steps of one cluster's plan, on top of a draft whose earlier seats were looked after."""

    def __init__(self, draft: Draft, standing: Standing) -> None:
        """Take over from `draft`, which holds the books and the outcome."""
        self.draft = draft
        self.cluster = draft.cluster
        self.policy = draft.cluster.policy
        self.standing = standing
        self.candidates = sorted(
            (as_candidate(run, draft.cluster) for run in evictable(draft.cluster)),
            key=lambda one: (one.rank, one.lost, one.id),
        )
        self.gone: set[int] = set()
        self.steps: list[Step] = []
        self.given_back: list[int] = []
        self.room: Amount = ()
        self.free_now: Amount = ()

    def place_preemptors(self) -> set[int]:
        """Place those of each priority that may preempt, the highest first; return the ids of all that were tried.

        Who has a higher priority than one that may preempt, and may not itself, is started before it where it fits.
        """
        lower = {priority: self.policy.preemptible_by(priority) for priority in self.policy.may_preempt}
        last = min((priority for priority, below in lower.items() if below), default=None)
        tried: set[int] = set()
        if last is None:
            return tried
        for priority in sorted({one.priority for one in self.draft.waiting}, reverse=True):
            if priority < last:
                break
            rows = [one for one in self.draft.waiting if one.priority == priority]
            tried.update(one.id for one in rows)
            self._place(rows, lower.get(priority, ()))
        self._offer_back()
        self.room = tuple(self.draft.ledger.after)
        self.free_now = tuple(self.draft.ledger.free_now)
        return tried

    def _place(self, rows: list[Pending], below: Sequence[int]) -> None:
        """Start or seat each that would fit if all of the priorities `below` went; then choose who really goes."""
        ledger = self.draft.ledger
        able = [one for one in self.candidates if one.priority in below and one.id not in self.gone]
        most = self.cluster.evictions_left
        left = None if most is None else most - len(self.gone)
        room, unpromised, reach = list(ledger.after), list(ledger.after), list(ledger.after)
        for candidate in able:
            add(reach, candidate.need)
        started: list[Pending] = []
        seated: list[Pending] = []
        for one in self.standing.ranked(rows):
            if not fits(one.need, reach) or not self._is_within(left, one, able):
                continue
            # What earlier seats were promised is not for it; what this group's seats wait for is not free yet.
            if fits(one.need, ledger.free_now) and fits(one.need, unpromised):
                started.append(one)
                ledger.start(one.need)
                subtract(unpromised, one.need)
            elif below:
                seated.append(one)
                ledger.seat(one.need)
            else:
                continue
            subtract(reach, one.need)
            self.standing.charge(one.organization, one.user, one.need)
        self.draft.starts.update(dict.fromkeys(one.id for one in started))
        self.draft.seats.update(dict.fromkeys(one.id for one in seated))
        lack = [-there for there in ledger.after]
        victims: list[Candidate] = []
        if seated and max(lack) > 0:
            victims = least_lost.choose(lack=lack, candidates=able, most=left) or []
        for victim in victims:
            ledger.evict(victim.need)
            self.gone.add(victim.id)
        self._deal_out(room, (*started, *seated), victims)

    def _is_within(self, left: int | None, one: Pending, able: Sequence[Candidate]) -> bool:
        """Say whether the evictions that are left are enough for it and all placed before it."""
        if left is None:
            return True
        lack = [need - there for need, there in zip(one.need, self.draft.ledger.after, strict=True)]
        return (
            max(lack, default=0) <= 0 or least_lost.choose(lack=lack, candidates=able, most=left) is not None
        )

    def _offer_back(self) -> None:
        """Give back, dearest first, each victim that a later group's victims have made needless."""
        for victim in reversed(self.candidates):
            if victim.id in self.gone and fits(victim.need, self.draft.ledger.after):
                self.draft.ledger.spare(victim.need)
                del self.draft.evictions[victim.id]
                self.given_back.append(victim.id)

    def _deal_out(self, room: list[int], placed: Sequence[Pending], victims: Sequence[Candidate]) -> None:
        """Write a step for each placed one, with as many of the victims, in order, as let it fit."""
        rest = iter(victims)
        for one in placed:
            before, mine = tuple(room), []
            while not fits(one.need, room):
                victim = next(rest)
                mine.append(victim.id)
                add(room, victim.need)
                self.draft.evictions[victim.id] = one.id
            subtract(room, one.need)
            self.steps.append(Step(one.id, one.priority, one.need, before, tuple(mine)))

    def certificate(self) -> Certificate | None:
        """Say why each eviction is needed; None where there is none."""
        if not self.draft.evictions:
            return None
        return certify(
            self.cluster,
            candidates=self.candidates,
            steps=self.steps,
            given_back=self.given_back,
            room=self.room,
            free_now=self.free_now,
        )
