"""What the next cycle of a cluster would do, told to one of its users."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.errors import InvalidInput
from accounts.models import User
from clusters import amounts
from clusters.amounts import RESOURCES, Amount
from clusters.models import Cluster
from clusters.sharing.selectors import uses
from deployments.models import Deployment, Priority
from deployments.services.runnable import SIZE, what_cannot_run
from organizations import selectors as organization_selectors
from scheduling.core.reasons import Reason
from scheduling.core.state import Pending, Running
from scheduling.planning import Supposed, foresee

MOST_SUPPOSED = 100
"""Deployments that one may suppose at once."""
OF_ITS_OWN = frozenset({Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED, Reason.WAITING_FOR_RETRY})
"""Reasons that tell of a deployment's own life and not of the cluster's room: nothing for other tenants."""


def next_cycle(*, user: User, cluster: Cluster, supposed: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What the next cycle does if nothing changes until then, as the wire shows it to this user; changes nothing.

    `supposed`: fields of deployments that would join the queue now, in this order. Raises InvalidInput for those that
    could never start, each by its index. Of another tenant's deployments the answer has amount and priority alone.
    """
    wanted = [_supposed(fields) for fields in supposed]
    _refuse_what_cannot_run(wanted, cluster)
    organization = _submitter(user, cluster) if wanted else 0
    seen = foresee(
        cluster_ids=[cluster.pk],
        supposed={
            cluster.pk: [Supposed(tuple(one.required), one.priority, organization, user.pk) for one in wanted]
        },
    )
    (state,), (plan,) = seen.snapshot.clusters, seen.plan.clusters
    mine = set(organization_selectors.organizations(user=user).values_list("id", flat=True))
    rows: list[Pending | Running] = [*state.pending, *state.running]
    anothers = {row.id for row in rows if row.id > 0 and row.organization not in mine}
    known = {row.id: _shown(row, wanted, row.id in anothers) for row in rows}
    return {
        "cluster_id": cluster.pk,
        "at": seen.at,
        "policy": state.policy.name,
        "pending": plan.pending,
        "scheduled": plan.scheduled,
        "preempted": plan.preempted,
        "unschedulable": plan.unschedulable,
        "held": plan.held,
        "starts": [known[id_] for id_ in plan.starts],
        "seats": [known[id_] for id_ in plan.seats],
        "dropped_seats": [known[id_] for id_ in plan.dropped_seats],
        "evictions": [
            {"victim": known[one.victim], "preemptor": known[one.preemptor]} for one in plan.evictions
        ],
        "reasons": [
            {
                "deployment": known[id_],
                "reason": None if id_ in anothers and reason in OF_ITS_OWN else reason.value,
            }
            for id_, reason in plan.reasons
        ],
    }


def _supposed(fields: Mapping[str, Any]) -> Deployment:
    return Deployment(**{"name": "", "required_gpu": 0, "priority": Priority.MEDIUM} | dict(fields))


def _submitter(user: User, cluster: Cluster) -> int:
    # As a submission that names no organization; where that is not clear, the first of those that are possible.
    roles = uses(user=user, cluster_ids=[cluster.pk])[cluster.pk].roles
    return cluster.organization_id if cluster.organization_id in roles else min(roles, default=0)


def _refuse_what_cannot_run(wanted: Sequence[Deployment], cluster: Cluster) -> None:
    wrong = {
        f"deployments[{index}].{field}": text
        for index, one in enumerate(wanted)
        for field, text in what_cannot_run(one, cluster, changed=SIZE).items()
    }
    if wrong:
        raise InvalidInput(wrong)


def _shown(row: Pending | Running, wanted: Sequence[Deployment], is_anothers: bool) -> dict[str, Any]:
    index = -row.id - 1 if row.id < 0 else None
    return {
        "deployment_id": None if row.id < 0 or is_anothers else row.id,
        "index": index,
        "name": None if index is None else wanted[index].name,
        "priority": row.priority,
        **amounts.wire("required", Amount(**dict(zip(RESOURCES, row.need, strict=True)))),
    }
