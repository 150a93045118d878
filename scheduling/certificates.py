"""Certificates in the database: stored whole with the evictions that they explain, and checked again by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from scheduling.core.certificates import Candidate, Certificate, Step
from scheduling.core.policy import VictimOrder
from scheduling.core.state import Plan, Snapshot
from scheduling.models import EvictionCertificate

WORK_UNITS = 1_000_000
"""A thousandth of a device × a millisecond, in device-seconds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is told with one eviction: its certificate's id, and the device-seconds of work that it destroys."""

    certificate_id: int
    lost_seconds: float


def record(
    snapshot: Snapshot, plan: Plan, at: datetime, organizations: Mapping[int, int]
) -> dict[int, Evidence]:
    """Store the certificate of each cluster's evictions; answer the evidence of each victim.

    `organizations`: cluster id → the organization that owns it.
    """
    rows, lost = [], {}
    for decided in plan.clusters:
        certificate = decided.certificate
        if certificate is None:
            continue
        by_id = {one.id: one.lost for one in certificate.candidates}
        lost[decided.cluster_id] = {one.victim: by_id[one.victim] for one in decided.evictions}
        rows.append(
            EvictionCertificate(
                cluster_id=decided.cluster_id,
                organization_id=organizations[decided.cluster_id],
                at=at,
                policy=certificate.policy,
                victims=len(decided.evictions),
                lost_seconds=sum(lost[decided.cluster_id].values()) / WORK_UNITS,
                numbers=as_numbers(certificate),
            )
        )
    EvictionCertificate.objects.bulk_create(rows)
    return {
        victim: Evidence(row.pk, amount / WORK_UNITS)
        for row in rows
        for victim, amount in lost[row.cluster_id].items()
    }


def as_numbers(certificate: Certificate) -> dict[str, Any]:
    """Write it as JSON that `from_numbers` reads back; rows are lists, in the order of their class's fields."""
    told = asdict(certificate)
    told["may_preempt"] = {str(by): sorted(lower) for by, lower in certificate.may_preempt.items()}
    told["candidates"] = [list(asdict(one).values()) for one in certificate.candidates]
    told["steps"] = [list(asdict(one).values()) for one in certificate.steps]
    return told


def from_numbers(numbers: Mapping[str, Any]) -> Certificate:
    """Read a stored one back, so that `check_certificate` can be asked about it."""
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in numbers.items()
    }
    told["victim_order"] = VictimOrder(numbers["victim_order"])
    told["may_preempt"] = {int(by): frozenset(lower) for by, lower in numbers["may_preempt"].items()}
    told["candidates"] = tuple(Candidate(*_amounts(row)) for row in numbers["candidates"])
    told["steps"] = tuple(Step(*_amounts(row)) for row in numbers["steps"])
    return Certificate(**told)


def _amounts(row: Sequence[Any]) -> list[Any]:
    return [tuple(value) if isinstance(value, list) else value for value in row]
