"""Whether a certificate speaks of this snapshot and this plan: its figures against the rows, added up afresh."""

from scheduling.core.amounts import Amount
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.certificates import Certificate
from scheduling.core.policy import VictimOrder
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running


def check_agreement(cluster: ClusterState, plan: ClusterPlan) -> None:
    """Return if `plan.certificate` leaves nobody out, tells the rows' own figures and ends in the plan's evictions.

    With `check_certificate`, which looks only at the certificate, this proves the plan's choice. Raises
    CertificateRefused, with figures.
    """
    certificate = plan.certificate
    if certificate is None:
        _require(not plan.evictions, f"{len(plan.evictions)} evictions have none")
        return
    _settings_agree(cluster, certificate)
    _candidates_agree(cluster, certificate)
    _steps_agree(cluster, plan, certificate)
    _room_agrees(cluster, plan, certificate)


def _require(condition: bool, figures: str) -> None:
    if not condition:
        raise CertificateRefused(figures)


def _settings_agree(cluster: ClusterState, certificate: Certificate) -> None:
    policy = cluster.policy
    of_cluster = (
        policy.name,
        policy.victim_order,
        policy.lower_priority_first or policy.victim_order is not VictimOrder.LEAST_LOST_WORK,
        dict(policy.may_preempt),
        policy.minimum_run_seconds,
        policy.most_evictions,
        cluster.now,
        cluster.work_resource,
        cluster.evictions_left,
    )
    told = (
        certificate.policy,
        certificate.victim_order,
        certificate.lower_priority_first,
        dict(certificate.may_preempt),
        certificate.minimum_run_seconds,
        certificate.most_evictions,
        certificate.now,
        certificate.work_resource,
        certificate.evictions_left,
    )
    _require(told == of_cluster, f"follows {told}, should {of_cluster}")


def _candidates_agree(cluster: ClusterState, certificate: Certificate) -> None:
    allowed = cluster.policy.may_preempt.items()
    lower = {one for priority, priorities in allowed for one in priorities if one < priority}
    told = {one.id: one for one in certificate.candidates if not one.own_start}
    able = {run.id: run for run in cluster.running if run.priority in lower and _may_go(run, cluster)}
    _require(told.keys() == able.keys(), f"{len(told)} runs could go, of {len(able)} that may")
    for id_, run in able.items():
        saved_at = run.started_at if run.saved_at is None else run.saved_at
        figures = run.priority, run.need, run.started_at, saved_at, run.evictions
        one = told[id_]
        as_told = one.priority, one.need, one.started_at, one.saved_at, one.evictions
        _require(figures == as_told, f"{id_} is told as {as_told}, and is {figures}")
    waiting = {one.id: one for one in cluster.pending}
    for one in certificate.candidates:
        row = waiting.get(one.id)
        own = row is not None and (row.priority, row.need) == (one.priority, one.need)
        _require(own or not one.own_start, f"{one.id} is told as a start of this cycle: {one}")


def _may_go(run: Running, cluster: ClusterState) -> bool:
    policy = cluster.policy
    ran = max(0, cluster.now - run.started_at) >= policy.minimum_run_seconds * 1_000_000
    seldom = policy.most_evictions is None or run.evictions < policy.most_evictions
    return ran and seldom and not run.stopping


def _steps_agree(cluster: ClusterState, plan: ClusterPlan, certificate: Certificate) -> None:
    waiting: dict[int, Pending] = {one.id: one for one in cluster.pending}
    runs = {run.id for run in cluster.running}
    kept = {one.id for one in cluster.pending if one.seated}.difference(plan.dropped_seats)
    placed = kept.union(plan.starts, plan.seats)
    back = set(certificate.given_back)
    told: dict[int, int] = {}
    for step in certificate.steps:
        one = waiting.get(step.preemptor)
        own = one is not None and (one.priority, one.need) == (step.priority, step.need)
        _require(own and step.preemptor in placed, f"{step.preemptor} is no such one that the plan places")
        told.update((id_, step.preemptor) for id_ in step.victims if id_ in runs and id_ not in back)
    evictions = {one.victim: one.preemptor for one in plan.evictions}
    _require(told == evictions, f"tells of the evictions {told}, the plan has {evictions}")


def _room_agrees(cluster: ClusterState, plan: ClusterPlan, certificate: Certificate) -> None:
    """Where preemptors come last, the certificate's room is the plan's; where first, others may start in it."""
    gone = {one.victim for one in plan.evictions}
    dropped = set(plan.dropped_seats)
    granted = {*plan.starts, *plan.seats}
    held: list[Amount] = [run.need for run in cluster.running if not run.stopping and run.id not in gone]
    held += [
        one.need for one in cluster.pending if one.id in granted or (one.seated and one.id not in dropped)
    ]
    total = map(sum, zip(*cluster.pools, strict=True))
    left = tuple(there - sum(column) for there, column in zip(total, zip(*held, strict=True), strict=True))
    first = certificate.victim_order is VictimOrder.LEAST_LOST_WORK
    agrees = all(map(int.__le__, left, certificate.room)) if first else left == certificate.room
    _require(agrees, f"{certificate.room} is left, by the plan {left}")
