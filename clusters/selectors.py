"""Reading clusters, as rows for the wire."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from accounts.errors import NotFound
from accounts.models import User
from clusters import amounts
from clusters.amounts import Amount
from clusters.models import Cluster, available, state_of

PLAIN = (
    "id", "name", "organization_id", "runtime", "paused", "sized_by_engine", "engine_problem", "checked_at",
    "max_grace_period_seconds", "created_at",
)  # fmt: skip
IN_USE = Q(deleted_at=None, organization__deleted_at=None)
"""Clusters that are not deleted, nor is their organization."""
UNSEEN_BY_GUESTS: dict[str, Any] = {
    "sized_by_engine": [],
    "engine_problem": "",
    "checked_at": None,
    "engine_facts": {},
}
"""What is told of an engine to the cluster's own organization alone."""
COLUMNS = (
    *PLAIN,
    "my_role",
    "engine_facts",
    "unreachable_since",
    *(f"{kind}_{name}" for kind in ("total", "allocated") for name in amounts.RESOURCES),
)
UNSEEN = "There is no cluster with this id that you can see."


def clusters(*, user: User) -> QuerySet[Any]:
    """Rows of the clusters that the user can see, oldest first."""
    rows: QuerySet[Any] = Cluster.objects.visible_to(user).order_by("id").values(*COLUMNS)
    return rows


def cluster(*, user: User, cluster_id: int) -> Cluster:
    """One cluster that the user can see, with `my_role`. Raises NotFound."""
    found: Cluster | None = Cluster.objects.visible_to(user).filter(pk=cluster_id).first()
    if found is None:
        raise NotFound(UNSEEN)
    return found


def cluster_shown(*, user: User, cluster_id: int) -> dict[str, Any]:
    """One cluster that the user can see, as the wire shows it. Raises NotFound."""
    row = clusters(user=user).filter(pk=cluster_id).first()
    if row is None:
        raise NotFound(UNSEEN)
    return cluster_answer(row)


def cluster_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A cluster's row as the wire shows it: to guests nothing of its engine."""
    if not row["my_role"]:
        row = {**row, **UNSEEN_BY_GUESTS}
    total = Amount(*(row[f"total_{name}"] for name in amounts.RESOURCES))
    allocated = Amount(*(row[f"allocated_{name}"] for name in amounts.RESOURCES))
    state = state_of(
        unreachable=row["unreachable_since"] is not None,
        paused=row["paused"],
        total=total,
        allocated=allocated,
    )
    return {
        **{name: row[name] for name in PLAIN},
        "engine_version": row["engine_facts"].get("version", ""),
        "state": state.value,
        **amounts.wire("total", total),
        **amounts.wire("available", available(total, allocated)),
        **amounts.wire("allocated", allocated),
    }
