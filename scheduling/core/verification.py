"""The last word before a plan is written: its invariants, and the certificate of each cluster's evictions."""

import numpy as np

from scheduling.core.certificate_agreement import check_agreement
from scheduling.core.certificate_check import check_certificate
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.invariants import InvariantBroken, check
from scheduling.core.state import ClusterPlan, ClusterState, Plan, Snapshot


def verify(snapshot: Snapshot, plan: Plan) -> None:
    """Return if `plan` may be applied to `snapshot`; raise InvariantBroken, with figures, if not."""
    check(snapshot, plan)
    for index, decided in enumerate(plan.clusters):
        if not decided.evictions and decided.certificate is None:
            continue
        try:
            if decided.certificate is not None:
                check_certificate(decided.certificate)
            check_agreement(_concerned(snapshot, index, decided), decided)
        except CertificateRefused as refused:
            raise InvariantBroken(
                f"cluster {decided.cluster_id}: certificate refused: {refused}"
            ) from refused


def _concerned(snapshot: Snapshot, index: int, decided: ClusterPlan) -> ClusterState:
    """The cluster with all that runs there, but of those who wait only whom plan or certificate speak of."""
    ids = {*decided.starts, *decided.seats, *decided.dropped_seats}
    if decided.certificate is not None:
        ids.update(step.preemptor for step in decided.certificate.steps)
        ids.update(one.id for one in decided.certificate.candidates if one.own_start)
    pending = snapshot.pending
    first, end = pending.offsets[index], pending.offsets[index + 1]
    told = np.isin(pending.id[first:end], np.array(sorted(ids), dtype=np.int64))
    return snapshot.part(index, first + np.flatnonzero(told | pending.seated[first:end]))
