"""Asking a cluster's engine what it is, and taking the cluster's size from it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from clusters import amounts
from clusters.amounts import Amount
from clusters.locks import lock_clusters
from clusters.models import Cluster
from clusters.runtimes.base import EngineFacts, RuntimeFailure
from clusters.selectors import IN_USE
from clusters.services.events import record
from clusters.signals import capacity_changed
from clusters.sizing import totals_of_engine

RFC_3339 = "%Y-%m-%dT%H:%M:%S.%fZ"


def check_engine(*, cluster_id: int) -> dict[str, Any] | None:
    """Reach the engine, keep what it tells, and answer it as the wire shows it; None for a cluster that is gone.

    Only for workers: it decrypts the connection, and waits for the engine.
    """
    from clusters.drivers import driver_for

    cluster = Cluster.objects.filter(IN_USE, pk=cluster_id).first()
    if cluster is None:
        return None
    facts, problem = None, ""
    try:
        facts = driver_for(cluster).check()
    except (RuntimeFailure, secrets.UnreadableSecret) as failure:
        problem = str(failure)[:500]
    now = timezone.now()
    kept = _keep(cluster, facts, problem, now)
    return _answer(kept, facts, problem, now)


@transaction.atomic
def _keep(asked: Cluster, facts: EngineFacts | None, problem: str, now: datetime) -> Cluster:
    (cluster,) = lock_clusters([asked.pk])
    if cluster.connection != asked.connection:
        # Connected anew while we asked: this is another engine's answer.
        return cluster
    written = {"checked_at": now, "engine_problem": problem}
    if facts is not None:
        written["engine_facts"] = _stored(cluster, facts)
    old = {f"total_{name}": getattr(cluster, f"total_{name}") for name in cluster.sized_by_engine}
    if facts is not None and facts.capacity is not None:
        written |= totals_of_engine(facts.capacity, cluster.sized_by_engine)
    Cluster.objects.filter(pk=cluster.pk).update(**written)
    for field, value in written.items():
        setattr(cluster, field, value)
    changed = {field: value for field, value in old.items() if getattr(cluster, field) != value}
    if changed:
        # Also when less is left than is held: the books say what is, and nobody is evicted for it.
        new = {field: getattr(cluster, field) for field in changed}
        record(cluster, "capacity_changed", None, {"old": changed, "new": new})
        capacity_changed.send(sender=Cluster, cluster_ids=(cluster.pk,))
    return cluster


def _stored(cluster: Cluster, facts: EngineFacts) -> dict[str, Any]:
    endpoint = cluster.engine_facts.get("endpoint")
    return {
        "version": facts.version[:200],
        "capacity": _capacity(facts),
        "facts": _told(facts),
        "warnings": list(facts.facts.get("warnings", ())),
        **({"endpoint": endpoint} if endpoint else {}),
    }


def _told(facts: EngineFacts) -> dict[str, Any]:
    return {name: value for name, value in facts.facts.items() if name != "warnings"}


def _capacity(facts: EngineFacts | None) -> dict[str, float | int] | None:
    if facts is None or facts.capacity is None:
        return None
    cpu, ram, gpu = facts.capacity
    return {name: amounts.to_wire(name, value) for name, value in (("ram", ram), ("cpu", cpu), ("gpu", gpu))}


def _answer(cluster: Cluster, facts: EngineFacts | None, problem: str, now: datetime) -> dict[str, Any]:
    capacity = _capacity(facts) or {}
    return {
        "reachable": facts is not None,
        "version": facts.version if facts else "",
        **{f"capacity_{name}": capacity.get(name) for name in ("ram", "cpu", "gpu")},
        "facts": _told(facts) if facts else {},
        "problem": problem,
        "warnings": _warnings(cluster, facts),
        "checked_at": now.strftime(RFC_3339),
    }


def _warnings(cluster: Cluster, facts: EngineFacts | None) -> list[str]:
    found = list(facts.facts.get("warnings", ())) if facts else []
    if facts is not None and facts.capacity is not None:
        cpu, ram, gpu = facts.capacity
        has = Amount(gpu, cpu, ram)
        for name in cluster.total.beyond(has):
            mine, its = (amounts.to_wire(name, getattr(side, name)) for side in (cluster.total, has))
            found.append(
                f"The cluster has {mine} {amounts.UNITS[name]} and its engine {its}: the engine may be short of what "
                f"is booked. Lower total_{name}, or send null to take it from the engine."
            )
    if short := cluster.allocated.beyond(cluster.total):
        units = " and ".join(amounts.UNITS[name] for name in short)
        found.append(
            f"More {units} are held here than the cluster has: nothing starts until enough has ended. "
            "What runs goes on."
        )
    return found
