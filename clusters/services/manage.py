"""Adding, changing and deleting clusters."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from clusters import amounts
from clusters.amounts import Amount
from clusters.connections import connect
from clusters.locks import lock_cluster_for_deletion, lock_clusters
from clusters.models import Cluster, Runtime
from clusters.services.events import record, require_present
from clusters.signals import capacity_changed
from clusters.sizing import first_totals, settle_totals
from clusters.whole_gpus import refuse_parts_of_gpus
from organizations.services import lock_organization

deletion_vetoes: list[Callable[[Cluster], str | None]] = []
"""Higher apps add a function that answers why a cluster may not be deleted now, or None."""
promised_amounts: list[Callable[[Cluster], Amount]] = []
"""Higher apps add a function that answers what is promised on a cluster beyond what its runs hold (seats)."""
TOTALS = ("total_ram", "total_cpu", "total_gpu")
CHANGEABLE = ("name", "paused", "max_grace_period_seconds", *TOTALS, "sized_by_engine")


def create_cluster(
    *,
    actor: User,
    organization_id: int,
    name: str,
    runtime: str = Runtime.SIMULATED,
    connection: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Cluster:
    """A new cluster with nothing on it; totals left out or None are its engine's. Nobody asks the engine here.

    Raises InvalidInput for a taken name, or a connection that is wrong or not this person's to make. Raises NotFound
    for an organization that was deleted meanwhile.
    """
    columns = connect(actor=actor, runtime=runtime, connection=connection)
    columns |= settings | first_totals(runtime, settings)
    try:
        with transaction.atomic():
            lock_organization(organization_id=organization_id)
            cluster: Cluster = Cluster.objects.create(
                organization_id=organization_id, name=name, runtime=runtime, **columns
            )
            refuse_parts_of_gpus(cluster)
            record(cluster, "created", actor, {"new": _figures(cluster)})
    except IntegrityError as error:
        raise _name_taken(error, name) from error
    return cluster


def change_cluster(*, actor: User, cluster_id: int, changes: Mapping[str, Any]) -> Cluster:
    """Change what `changes` names. Raises Conflict for less capacity than is held or promised, with the figures.

    A total of None gives that resource back to the engine; its next check sets it. Raises InvalidInput as
    `create_cluster` does, and NotFound for a cluster that was deleted meanwhile.
    """
    try:
        with transaction.atomic():
            (cluster,) = lock_clusters([cluster_id])
            require_present(cluster)
            old = _figures(cluster)
            columns = settle_totals(cluster, changes)
            if "connection" in columns:
                runtime, connection = cluster.runtime, columns["connection"]
                columns |= connect(actor=actor, runtime=runtime, connection=connection)
            for field, value in columns.items():
                setattr(cluster, field, value)
            refuse_parts_of_gpus(cluster)
            _refuse_too_small(cluster, old)
            cluster.save(update_fields=[*columns])
            if "connection" in columns:
                record(cluster, "connection_changed", actor, {})
            _tell_changes(cluster, actor, old)
    except IntegrityError as error:
        raise _name_taken(error, str(changes.get("name"))) from error
    return cluster


@transaction.atomic
def delete_cluster(*, actor: User, cluster_id: int) -> None:
    """Hide it. Raises Conflict while anything runs or waits there, and NotFound if somebody was quicker."""
    cluster = lock_cluster_for_deletion(cluster_id)
    require_present(cluster)
    for veto in deletion_vetoes:
        if reason := veto(cluster):
            raise Conflict(reason, state=cluster.state)
    Cluster.objects.filter(pk=cluster_id).update(deleted_at=timezone.now())
    record(cluster, "deleted", actor, {})


def _tell_changes(cluster: Cluster, actor: User, old: Mapping[str, Any]) -> None:
    changed = {field for field, value in old.items() if value != getattr(cluster, field)}
    for kind, fields in (
        ("renamed", {"name"}),
        ("capacity_changed", {*TOTALS, "sized_by_engine"}),
        ("paused" if cluster.paused else "resumed", {"paused"}),
        ("grace_changed", {"max_grace_period_seconds"}),
    ):
        touched = [field for field in CHANGEABLE if field in changed and field in fields]
        if touched:
            before, after = {f: old[f] for f in touched}, {f: getattr(cluster, f) for f in touched}
            record(cluster, kind, actor, {"old": before, "new": after})
    if changed:
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster.pk,))


def _refuse_too_small(cluster: Cluster, old: Mapping[str, Any]) -> None:
    needed = cluster.allocated
    for promised in promised_amounts:
        needed = needed.plus(promised(cluster))
    short = {
        f"total_{name}": f"{amounts.to_wire(name, getattr(needed, name))} {amounts.UNITS[name]} are held or promised "
        f"here; {amounts.to_wire(name, getattr(cluster.total, name))} would be less. Stop something first."
        for name in needed.beyond(cluster.total)
        if getattr(cluster, f"total_{name}") < old[f"total_{name}"]
    }
    if short:
        raise Conflict(" ".join(short.values()), state=cluster.state, allowed=["pause", "grow"])


def _name_taken(error: IntegrityError, name: str) -> InvalidInput | IntegrityError:
    if "cluster_name_unique_in_organization" in str(error):
        return InvalidInput(
            {"name": f"The organization has a cluster named {name!r} already. Choose another name."}
        )
    return error


def _figures(cluster: Cluster) -> dict[str, Any]:
    return {field: getattr(cluster, field) for field in CHANGEABLE}
