"""Why a deployment waits and what would let it start: all that the core wants to know of it, read in one view."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import User
from clusters import selectors as cluster_selectors
from clusters.amounts import from_wire, to_wire
from clusters.models import Cluster, ClusterShare, Runtime
from deployments import selectors
from deployments.models import Dependency, Deployment
from deployments.services.runnable import LEAST_CPU, LEAST_RAM, what_cannot_run
from deployments.states import Status
from organizations import selectors as organization_selectors
from organizations.models import Organization
from scheduling import run_lengths, waits
from scheduling import snapshot as snapshots
from scheduling.core.explain import Explanation, Known, explain
from scheduling.core.smaller import Askable
from scheduling.core.state import ClusterState
from scheduling.planning import unmoving_view

MOST_CLUSTERS = 20
MOST_ROWS = 20_000
"""So many deployments that wait elsewhere are read; clusters where few wait are looked at first."""
NEVER_COMPLETES = frozenset({Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Explained:
    """A pending deployment, what was known when it was explained, and to whom: `mine` are their organizations.

    `unmet`: what it waits for, as (id, name, status). `clusters`: id → name, of those that it could move to.
    """

    deployment: Deployment
    at: datetime
    state: ClusterState
    known: Known
    unmet: tuple[tuple[int, str, str], ...]
    clusters: dict[int, str]
    mine: frozenset[int]
    told: Explanation


def explained(*, user: User, deployment_id: int, for_platform: bool = False) -> Explained | Deployment:
    """The explanation of a deployment that the user sees, or the deployment if it does not wait. Raises NotFound.

    `for_platform`: the user runs the installation and sees every organization. Takes no locks and writes nothing: all
    is read as of one moment.
    """
    with unmoving_view():
        seen = None if for_platform else user
        deployment = _deployment(seen, deployment_id)
        if deployment.status != Status.PENDING:
            return deployment
        now = timezone.now()
        cluster = Cluster.objects.get(pk=deployment.cluster_id)
        others = _other_clusters(seen, deployment)
        in_order = sorted([cluster, *others], key=lambda one: one.pk)
        states = {one.id: one for one in snapshots.load(in_order, now, everybody=True).clusters}
        state, elsewhere = states[cluster.pk], [states[one.pk] for one in others]
        unmet, waits_on = _unmet(deployment), _waits_on(cluster)
        lengths = run_lengths.lengths_of(cluster)
        mine = frozenset(
            organization_selectors.organizations(user=seen).values_list("id", flat=True)
            if seen
            else Organization.objects.values_list("id", flat=True)
        )
    known = Known(
        lengths=lengths,
        holds=waits.holds(
            waiting=bool(unmet),
            failed=any(status in NEVER_COMPLETES for _, _, status in unmet),
            retry_at=deployment.retry_at,
            now=now,
        ),
        blocked=waits.blocks(
            unreachable=cluster.unreachable_since is not None,
            paused=cluster.paused,
            total=cluster.total,
            allocated=cluster.allocated,
        ),
        askable=askable(cluster),
        others=elsewhere,
        waits_on=waits_on,
    )
    names = {one.pk: one.name for one in others}
    told = explain(state, deployment.pk, known)
    return Explained(deployment, now, state, known, tuple(unmet), names, mine, told)


def askable(cluster: Cluster) -> tuple[Askable, ...]:
    """Which amounts a deployment of the cluster may ask for, in the order of RESOURCES: those that the wire can say."""
    if cluster.runtime == Runtime.SIMULATED:
        return Askable(), Askable(), Askable(floor=_ram_on_the_wire)
    return (
        Askable(floor=lambda amount: amount // 1000 * 1000),
        Askable(least=LEAST_CPU),
        Askable(least=LEAST_RAM, floor=_ram_on_the_wire),
    )


def _ram_on_the_wire(amount: int) -> int:
    # A step of the wire is a little more than a MiB: some amounts in MiB have no number of their own there.
    return amount if from_wire("ram", to_wire("ram", amount)) == amount else amount - 1


def _unmet(deployment: Deployment) -> list[tuple[int, str, str]]:
    rows: QuerySet[Any] = Deployment.objects.filter(dependent_rows__deployment=deployment)
    return list(rows.exclude(status=Status.COMPLETED).order_by("id").values_list("id", "name", "status"))


def _waits_on(cluster: Cluster) -> dict[int, set[int]]:
    """Who waits on the cluster → what it depends on itself that has not completed, wherever that is."""
    found: dict[int, set[int]] = defaultdict(set)
    rows = Dependency.objects.filter(deployment__cluster=cluster, deployment__status=Status.PENDING)
    unmet: Any = rows.exclude(depends_on__status=Status.COMPLETED).values_list(
        "deployment_id", "depends_on_id"
    )
    for waiting, on in unmet:
        found[waiting].add(on)
    return dict(found)


def _deployment(user: User | None, deployment_id: int) -> Deployment:
    """One that the user sees, or without one any that is not deleted. Raises NotFound."""
    if user is not None:
        return selectors.deployment(user=user, deployment_id=deployment_id)
    found: Deployment | None = Deployment.objects.filter(pk=deployment_id, deleted_at=None).first()
    if found is None:
        raise NotFound(selectors.UNSEEN)
    return found


def _other_clusters(user: User | None, deployment: Deployment) -> list[Cluster]:
    """Where the user could move it to: clusters of its organization, or shared with it, where few wait first."""
    here = Deployment.objects.filter(cluster=OuterRef("pk"), status=Status.PENDING).order_by()
    waiting = Subquery(here.values("cluster").annotate(count=Count("pk")).values("count"))
    organization = deployment.organization_id
    owned = Q(organization_id=organization)
    shared = Exists(ClusterShare.objects.filter(cluster=OuterRef("pk"), organization_id=organization))
    rows = (
        (Cluster.objects.visible_to(user) if user else Cluster.objects.all())
        .filter(cluster_selectors.IN_USE, owned | shared)
        .exclude(pk=deployment.cluster_id)
        .annotate(waiting=Coalesce(waiting, 0))
        .order_by("waiting", "id")[:MOST_CLUSTERS]
    )
    found: list[Cluster] = []
    left = MOST_ROWS
    for cluster in rows:
        left -= cluster.waiting
        if left >= 0 and not what_cannot_run(deployment, cluster, changed={"cluster_id"}):
            found.append(cluster)
    return found
