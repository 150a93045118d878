"""The log of a run in the console: a page that follows it live, and the text that the page reads."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from accounts.admin.display import link_to, page_of
from accounts.admin.row_pages import button
from accounts.admin.scope import allowed, for_staff
from accounts.errors import DomainError
from deployments.admin.rights import READS_LOGS
from deployments.log_protocol import DEFAULT_TAIL
from deployments.log_views import log_answer
from deployments.models import Run

PAGE, TEXT = "deployments_run_log", "deployments_run_log_text"


def log_link(run: Run) -> SafeString:
    """The way to the log of a run."""
    return link_to(reverse(f"admin:{PAGE}", args=[run.pk]), "Log")


def log_button(run: Run) -> dict[str, Any]:
    """The same as a button among a page's actions."""
    return button("Log", "subject", reverse(f"admin:{PAGE}", args=[run.pk]))


def log_urls(model_admin: Any) -> list[URLPattern]:
    """Both addresses, for whoever may be in the console."""

    @for_staff
    def log_page(request: HttpRequest, run_id: int) -> HttpResponse:
        run = _run(model_admin, request, run_id)
        context = {
            **admin.site.each_context(request),
            "opts": model_admin.opts,
            "title": f"Log of {run}",
            "run": run,
            "back": page_of(run),
            "deployment_page": page_of(run.deployment),
            "text_address": reverse(f"admin:{TEXT}", args=[run.pk]),
            "tail": DEFAULT_TAIL,
        }
        return TemplateResponse(request, "console/log.html", context)

    @for_staff
    def log_text(request: HttpRequest, run_id: int) -> HttpResponse:
        run = _run(model_admin, request, run_id)
        try:
            return log_answer(request, run, tail=DEFAULT_TAIL, follow=True)
        except DomainError as refusal:
            return HttpResponse(refusal.detail, status=503, content_type="text/plain; charset=utf-8")

    view = model_admin.admin_site.admin_view
    return [
        path("<int:run_id>/log/", view(log_page), name=PAGE),
        path("<int:run_id>/log/text/", view(log_text), name=TEXT),
    ]


def _run(model_admin: Any, request: HttpRequest, run_id: int) -> Run:
    run: Run | None = model_admin.get_queryset(request).filter(pk=run_id).first()
    if run is None:
        raise Http404
    if not allowed(READS_LOGS, request.user, run):
        raise PermissionDenied
    return run
