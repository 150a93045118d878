"""The search of the whole console: by name or id, among what the user sees."""

import time
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.dataclasses import SearchResult

from accounts.admin.display import page_of
from accounts.filters import MAXIMUM_ID
from accounts.models import User
from clusters.models import Cluster
from deployments.models import Deployment
from organizations.models import Organization

MOST_OF_A_KIND = 10
LONGEST = 200
KINDS = (
    (Deployment, "name", "deployed_code"),
    (Cluster, "name", "dns"),
    (Organization, "name", "apartment"),
    (User, "username", "person"),
)
"""Model, the field that is its name, and its icon."""


def found(site: Any, request: HttpRequest) -> HttpResponse:
    """The newest of each kind that match, the one with that very id first."""
    began = time.monotonic()
    term = request.GET.get("s", "").replace("\x00", "").strip()[:LONGEST]
    if not term:
        return HttpResponse()
    results = [result for kind in KINDS for result in _of_kind(site, request, term, *kind)]
    pages = Paginator(results, max(1, len(results)))
    context = {
        "page_obj": pages,
        "results": pages.page(1),
        "page_counter": 0,
        "execution_time": time.monotonic() - began,
        "search_term": term,
        "command_show_history": False,
    }
    template = "unfold/helpers/command_results.html"
    return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _of_kind(
    site: Any, request: HttpRequest, term: str, model: Any, name: str, icon: str
) -> list[SearchResult]:
    page = site.get_model_admin(model)
    if not page.has_view_permission(request):
        return []
    rows = page.get_queryset(request).order_by("-pk")
    if any(field.name == "deleted_at" for field in model._meta.fields):
        rows = rows.filter(deleted_at=None)
    by_id = term.removeprefix("#")
    exact: list[Any] = []
    if by_id.isascii() and by_id.isdigit() and int(by_id) <= MAXIMUM_ID:
        exact = list(rows.filter(pk=int(by_id)))
    named = rows.filter(Q(**{f"{name}__icontains": term})).exclude(pk__in=[row.pk for row in exact])
    kind = str(model._meta.verbose_name)
    return [
        SearchResult(title=str(row), description=f"{kind} #{row.pk}", link=page_of(row), icon=icon)
        for row in [*exact, *named[: MOST_OF_A_KIND - len(exact)]]
    ]
