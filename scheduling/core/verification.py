"""The last word before a plan is written: its invariants, and the certificate of each cluster's evictions."""

from scheduling.core.certificate_check import check_certificate
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.certificates import Certificate
from scheduling.core.invariants import InvariantBroken, check
from scheduling.core.state import ClusterPlan, Plan, Snapshot


def verify(snapshot: Snapshot, plan: Plan) -> None:
    """Return if `plan` may be applied to `snapshot`; raise InvariantBroken, with figures, if not."""
    check(snapshot, plan)
    for decided in plan.clusters:
        if not decided.evictions and decided.certificate is None:
            continue
        try:
            if decided.certificate is None:
                raise CertificateRefused(f"{len(decided.evictions)} evictions have none")
            check_certificate(decided.certificate)
            _tells_of(decided, decided.certificate)
        except CertificateRefused as refused:
            raise InvariantBroken(
                f"cluster {decided.cluster_id}: certificate refused: {refused}"
            ) from refused


def _tells_of(decided: ClusterPlan, certificate: Certificate) -> None:
    spared = {*certificate.given_back, *(one.id for one in certificate.candidates if one.own_start)}
    told = {(id_, step.preemptor) for step in certificate.steps for id_ in step.victims if id_ not in spared}
    planned = {(one.victim, one.preemptor) for one in decided.evictions}
    if told != planned:
        raise CertificateRefused(f"it tells of {sorted(told)}, the plan evicts {sorted(planned)}")
