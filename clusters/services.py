"""What happens to clusters: one function per verb, each under the cluster's lock."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import Conflict, InvalidInput, NotFound
from accounts.models import User
from clusters import amounts, secrets
from clusters.amounts import Amount
from clusters.locks import lock_cluster_for_deletion, lock_clusters
from clusters.models import Cluster, ClusterEvent
from clusters.runtimes.simulated import validate_connection
from clusters.selectors import UNSEEN
from clusters.signals import capacity_changed
from clusters.whole_gpus import refuse_parts_of_gpus
from organizations.services import lock_organization

deletion_vetoes: list[Callable[[Cluster], str | None]] = []
"""Higher apps add a function that answers why a cluster may not be deleted now, or None."""
promised_amounts: list[Callable[[Cluster], Amount]] = []
"""Higher apps add a function that answers what is promised on a cluster beyond what its runs hold (seats)."""
CHANGEABLE = ("name", "paused", "max_grace_period_seconds", "total_ram", "total_cpu", "total_gpu")


def create_cluster(*, actor: User, organization_id: int, name: str, **settings: Any) -> Cluster:
    """A new cluster with nothing on it. Raises InvalidInput for a taken name or a wrong connection.

    Raises NotFound for an organization that was deleted meanwhile.
    """
    connection = _encrypted(settings.pop("connection", None))
    try:
        with transaction.atomic():
            lock_organization(organization_id=organization_id)
            cluster: Cluster = Cluster.objects.create(
                organization_id=organization_id, name=name, connection=connection, **settings
            )
            refuse_parts_of_gpus(cluster)
            _record(cluster, "created", actor, {"new": _figures(cluster)})
    except IntegrityError as error:
        raise _name_taken(error, name) from error
    return cluster


def change_cluster(*, actor: User, cluster_id: int, changes: Mapping[str, Any]) -> Cluster:
    """Change what `changes` names. Raises Conflict for less capacity than is held or promised, with the figures.

    Raises InvalidInput for a taken name or a wrong connection, and NotFound for a cluster that was deleted meanwhile.
    """
    try:
        with transaction.atomic():
            (cluster,) = lock_clusters([cluster_id])
            _require_present(cluster)
            old = _figures(cluster)
            for field, value in changes.items():
                setattr(cluster, field, _encrypted(value) if field == "connection" else value)
            refuse_parts_of_gpus(cluster)
            _refuse_too_small(cluster, old)
            cluster.save(update_fields=[*changes])
            changed = {field: value for field, value in old.items() if value != getattr(cluster, field)}
            if "connection" in changes:
                _record(cluster, "connection_changed", actor, {})
            for kind, fields in (
                ("renamed", {"name"}),
                ("capacity_changed", {"total_ram", "total_cpu", "total_gpu"}),
                ("paused" if cluster.paused else "resumed", {"paused"}),
                ("grace_changed", {"max_grace_period_seconds"}),
            ):
                touched = [field for field in CHANGEABLE if field in changed and field in fields]
                if touched:
                    before, after = {f: old[f] for f in touched}, {f: getattr(cluster, f) for f in touched}
                    _record(cluster, kind, actor, {"old": before, "new": after})
            if changed:
                capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
    except IntegrityError as error:
        raise _name_taken(error, str(changes.get("name"))) from error
    return cluster


@transaction.atomic
def delete_cluster(*, actor: User, cluster_id: int) -> None:
    """Hide it. Raises Conflict while anything runs or waits there, and NotFound if somebody was quicker."""
    cluster = lock_cluster_for_deletion(cluster_id)
    _require_present(cluster)
    for veto in deletion_vetoes:
        if reason := veto(cluster):
            raise Conflict(reason, state=cluster.state)
    Cluster.objects.filter(pk=cluster_id).update(deleted_at=timezone.now())
    _record(cluster, "deleted", actor, {})


@transaction.atomic
def note_unreachable(*, cluster_id: int, misses_allowed: int, problem: str) -> None:
    """Count one observation that the engine did not answer; after `misses_allowed` the cluster is unreachable."""
    (cluster,) = lock_clusters([cluster_id])
    cluster.missed_observations += 1
    if cluster.missed_observations >= misses_allowed and cluster.unreachable_since is None:
        cluster.unreachable_since = timezone.now()
        _record(cluster, "unreachable", None, {"problem": problem[:500]})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
    cluster.save(update_fields=["missed_observations", "unreachable_since"])


@transaction.atomic
def note_reachable(*, cluster_id: int) -> None:
    """The engine answered again."""
    (cluster,) = lock_clusters([cluster_id])
    if cluster.unreachable_since is not None:
        _record(cluster, "reachable", None, {})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster_id,))
    cluster.missed_observations, cluster.unreachable_since = 0, None
    cluster.save(update_fields=["missed_observations", "unreachable_since"])


def _require_present(cluster: Cluster) -> None:
    # Asked under the lock: it may have been deleted since the caller looked.
    if cluster.deleted_at:
        raise NotFound(UNSEEN)


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


def _encrypted(connection: Mapping[str, Any] | None) -> str:
    if not connection:
        return ""
    if wrong := validate_connection(connection):
        raise InvalidInput({f"connection.{field[:100]}": text for field, text in wrong.items()})
    return secrets.encrypt(connection)


def _name_taken(error: IntegrityError, name: str) -> InvalidInput | IntegrityError:
    if "cluster_name_unique_in_organization" in str(error):
        return InvalidInput(
            {"name": f"The organization has a cluster named {name!r} already. Choose another name."}
        )
    return error


def _figures(cluster: Cluster) -> dict[str, Any]:
    return {field: getattr(cluster, field) for field in CHANGEABLE}


def _record(cluster: Cluster, kind: str, actor: User | None, data: dict[str, Any]) -> None:
    actor_id = actor.pk if actor else None
    ClusterEvent.objects.create(
        cluster=cluster, organization_id=cluster.organization_id, kind=kind, actor_id=actor_id, data=data
    )
    if actor:
        audit.record(
            actor_id=actor_id,
            action=f"cluster.{kind}",
            target=f"cluster:{cluster.pk}",
            organization_id=cluster.organization_id,
            detail=data,
        )
