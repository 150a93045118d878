"""The only writer of a plan: a fixed number of statements, whatever the plan's size."""

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime

from deployments.services import booking
from scheduling import certificates
from scheduling.core.reasons import REASONS
from scheduling.core.state import Plan, Snapshot


def apply(snapshot: Snapshot, plan: Plan, now: datetime, organizations: Mapping[int, int]) -> set[int]:
    """Book the plan; answer the ids of the clusters where that wrote anything. The clusters' rows are locked.

    `organizations`: cluster id → the organization that owns it. Raises StalePlan
    when a deployment changed since the snapshot, and OverBooked.
    """
    starts: list[int] = []
    seats: list[int] = []
    dropped: list[int] = []
    evictions: list[booking.Eviction] = []
    evidence = certificates.record(snapshot, plan, now, organizations)
    changed: set[int] = set()
    for decided in plan.clusters:
        if decided.starts or decided.seats or decided.dropped_seats or decided.evictions:
            starts += decided.starts
            seats += decided.seats
            dropped += decided.dropped_seats
            evictions += (
                booking.Eviction(one.victim, one.preemptor, *astuple(evidence[one.victim]))
                for one in decided.evictions
            )
            changed.add(decided.cluster_id)
    rows = plan.changed(snapshot)
    told = map(REASONS.__getitem__, plan.reasons[rows].tolist())
    reasons = dict(zip(snapshot.pending.id[rows].tolist(), map(str, told), strict=True))
    changed.update(snapshot.heads.id[snapshot.pending.owners(rows)].tolist())
    booking.drop_seats(deployment_ids=dropped, now=now)
    booking.book_evictions(evictions=evictions, now=now)
    booking.grant_seats(deployment_ids=seats, now=now)
    booking.book_starts(deployment_ids=starts, now=now)
    booking.write_reasons(reasons=reasons)
    return changed
