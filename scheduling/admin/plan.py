"""What the next cycle of a cluster would do: a page that changes nothing."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.admin.display import link, moment, stacked
from accounts.admin.panels import Panel
from accounts.admin.row_pages import RowPage, context_of
from clusters.admin.capacity import amount_in_words
from clusters.models import Cluster
from deployments.admin import wording
from deployments.models import Deployment
from scheduling.certificate_answers import why_nobody_else
from scheduling.certificates import WORK_UNITS
from scheduling.core.certificates import Certificate
from scheduling.core.invariants import InvariantBroken
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState
from scheduling.planning import foresee

MOST = 50
"""Rows of a table."""
NEEDS = ("Deployment", "Priority", "Needs")


def show(model_admin: Any, request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """What would start, stop, stay and wait, as of now: of all tenants, so superusers alone see it."""
    if cluster.deleted_at:
        raise Http404
    context = context_of(model_admin, request, cluster, f"What the next cycle would do on {cluster}")
    context |= {
        "run": reverse("admin:clusters_cluster_act", args=[cluster.pk, "run-scheduler"]),
        **_foreseen(cluster),
    }
    return TemplateResponse(request, "console/plan.html", context)


PAGE = RowPage("plan", "Plan", show, icon="visibility", offered=lambda row: not row.deleted_at)


def _foreseen(cluster: Cluster) -> dict[str, Any]:
    try:
        seen = foresee(cluster_ids=[cluster.pk])
    except InvariantBroken as broken:
        return {"refused": str(broken), "panels": []}
    (state,), (plan,) = seen.snapshot.clusters, seen.plan.clusters
    known = _known(plan)
    panels = [_starts(plan, known), _seats(plan, known)]
    if plan.certificate:
        panels += [_evictions(plan, plan.certificate, known), _spared(plan, plan.certificate, known)]
    return {
        "at": moment(seen.at),
        "policy": state.policy.name,
        "told": _told(plan, state),
        "panels": [*(panel for panel in panels if panel.rows), _waiting(plan, known)],
    }


def _told(plan: ClusterPlan, state: ClusterState) -> str:
    parts = [f"{len(plan.starts)} of {plan.pending} that wait would start"]
    if plan.seats:
        parts.append(f"{len(plan.seats)} would be promised room")
    parts.append(f"{len(plan.evictions)} of {len(state.running)} that hold capacity would be told to stop")
    if plan.held:
        parts.append(f"{plan.held} wait for what they depend on")
    return ", ".join(parts) + "."


def _known(plan: ClusterPlan) -> Mapping[int, Deployment]:
    ids = [*plan.starts[:MOST], *plan.seats[:MOST], *(id_ for id_, _ in plan.reasons[:MOST])]
    for one in plan.evictions[:MOST]:
        ids += [one.victim, one.preemptor]
    if plan.certificate:
        ids += [one.id for one in _stayed(plan, plan.certificate)[:MOST]]
    found: Mapping[int, Deployment] = Deployment.objects.select_related("organization").in_bulk(ids)
    return found


def _cells(id_: int, known: Mapping[int, Deployment]) -> tuple[Any, ...]:
    row = known.get(id_)
    if row is None:
        return (f"#{id_}", "", "")
    return (
        stacked(link(row), row.organization),
        wording.priority(row.priority),
        amount_in_words(row.required),
    )


def _starts(plan: ClusterPlan, known: Mapping[int, Deployment]) -> Panel:
    return Panel(
        f"Would start: {len(plan.starts)}", NEEDS, [_cells(id_, known) for id_ in plan.starts[:MOST]]
    )


def _seats(plan: ClusterPlan, known: Mapping[int, Deployment]) -> Panel:
    rows = [_cells(id_, known) for id_ in plan.seats[:MOST]]
    return Panel(f"Would be promised room: {len(plan.seats)}", NEEDS, rows)


def _evictions(plan: ClusterPlan, certificate: Certificate, known: Mapping[int, Deployment]) -> Panel:
    lost = {one.id: one.lost for one in certificate.candidates}
    return Panel(
        f"Would be told to stop: {len(plan.evictions)}",
        (*NEEDS, "Work lost", "To make room for"),
        [
            (*_cells(one.victim, known), _work(lost.get(one.victim, 0), certificate), _name(one.preemptor, known))
            for one in plan.evictions[:MOST]
        ],
        note=why_nobody_else(certificate),
    )  # fmt: skip


def _spared(plan: ClusterPlan, certificate: Certificate, known: Mapping[int, Deployment]) -> Panel:
    stayed = _stayed(plan, certificate)
    return Panel(
        f"Could have gone, and stays: {len(stayed)}",
        (*NEEDS, "Would have lost"),
        [(*_cells(one.id, known), _work(one.lost, certificate)) for one in stayed[:MOST]],
    )


def _stayed(plan: ClusterPlan, certificate: Certificate) -> list[Any]:
    gone = {one.victim for one in plan.evictions}
    return [one for one in certificate.candidates if not one.own_start and one.id not in gone]


def _waiting(plan: ClusterPlan, known: Mapping[int, Deployment]) -> Panel:
    first = plan.reasons[:MOST]
    more = len(plan.reasons) - len(first)
    return Panel(
        f"Would go on waiting: {len(plan.reasons)}",
        ("", *NEEDS, "Why"),
        [
            (place, *_cells(id_, known), wording.reason(Reason(reason).value))
            for place, (id_, reason) in enumerate(first, start=1)
        ],
        nothing="Nobody would go on waiting.",
        note=f"The first {MOST} in queue order; {more} more wait behind them." if more else "",
    )


def _name(id_: int, known: Mapping[int, Deployment]) -> SafeString | str:
    row = known.get(id_)
    return link(row) if row else f"#{id_}"


def _work(lost: int, certificate: Certificate) -> str:
    unit = "GPU" if certificate.work_resource == 0 else "core"
    return f"{lost / WORK_UNITS / 60:,.1f} {unit} minutes"
