"""Certificates as the wire shows them: of another tenant's work, amount and priority alone."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from accounts.models import User
from clusters import amounts
from clusters.amounts import RESOURCES, Amount
from deployments.models import Deployment
from organizations import selectors as organization_selectors
from scheduling.certificates import WORK_UNITS, from_numbers
from scheduling.core.amounts import Amount as Need
from scheduling.core.certificates import Candidate, Certificate
from scheduling.core.policy import VictimOrder

WHY = {
    VictimOrder.OLDEST: "Of each priority, the lowest first, those running longest went, until there was room; nobody "
    "whose going was not needed.",
    VictimOrder.YOUNGEST: "Of each priority, the lowest first, those started last went, until there was room; nobody "
    "whose going was not needed.",
    VictimOrder.LEAST_LOST_WORK: "None of the victims is needless, and none could be exchanged for one that loses less "
    "work.",
}
LOWER_FIRST = "A higher priority went only where all lower ones would not have made room. "


def answers(*, user: User, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Certificates of one page, each without the candidates that stayed; two queries for all of them."""
    read = [(row, from_numbers(row["numbers"])) for row in rows]
    ids = {id_ for _, certificate in read for id_ in _ids(certificate)}
    mine = set(organization_selectors.organizations(user=user).values_list("id", flat=True))
    known = set(Deployment.objects.filter(pk__in=ids, organization_id__in=mine).values_list("pk", flat=True))
    return [_answer(row, certificate, known) for row, certificate in read]


def _ids(certificate: Certificate) -> Iterable[int]:
    yield from (one.id for one in certificate.candidates)
    yield from (step.preemptor for step in certificate.steps)


def _answer(row: Mapping[str, Any], certificate: Certificate, known: Collection[int]) -> dict[str, Any]:
    by_id = {one.id: one for one in certificate.candidates}
    back = set(certificate.given_back)
    gone = [
        (by_id[id_], step.preemptor)
        for step in certificate.steps
        for id_ in step.victims
        if id_ not in back and not by_id[id_].own_start
    ]
    stayed = {one.id for one in certificate.candidates if not one.own_start} - {one.id for one, _ in gone}
    spared = [one for one in certificate.candidates if one.id in stayed]
    first = certificate.steps[0].room
    return {
        "id": row["id"],
        "cluster_id": row["cluster_id"],
        "at": row["at"],
        "policy": row["policy"],
        "victim_order": certificate.victim_order,
        "lost_seconds": round(row["lost_seconds"], 3),
        "why_nobody_else": why_nobody_else(certificate),
        "preemptors": [
            _shown(step.preemptor, step.priority, step.need, known)
            for step in certificate.steps
            if any(id_ not in back for id_ in step.victims)
        ],
        "victims": [
            _candidate(one, known) | {"preemptor_id": by if by in known else None} for one, by in gone
        ],
        **_room("room_before", first),
        **_room("room_after", certificate.room),
        "candidates": len(spared) + len(gone),
        "spared": [_candidate(one, known) for one in spared[:MOST_SPARED]],
    }


def why_nobody_else(certificate: Certificate) -> str:
    """Why these victims and no others, in a sentence or two."""
    counts = certificate.victim_order is VictimOrder.LEAST_LOST_WORK
    first = LOWER_FIRST if counts and certificate.lower_priority_first else ""
    return first + WHY[certificate.victim_order]


MOST_SPARED = 20
"""Of those that stayed, so many are shown: the first in the policy's order."""


def _candidate(one: Candidate, known: Collection[int]) -> dict[str, Any]:
    lost = {"lost_seconds": round(one.lost / WORK_UNITS, 3)}
    return _shown(one.id, one.priority, one.need, known) | lost


def _shown(id_: int, priority: int, need: Need, known: Collection[int]) -> dict[str, Any]:
    return {"deployment_id": id_ if id_ in known else None, "priority": priority, **_room("required", need)}


def _room(prefix: str, amount: Need) -> Mapping[str, float | int]:
    return amounts.wire(prefix, Amount(**dict(zip(RESOURCES, amount, strict=True))))
