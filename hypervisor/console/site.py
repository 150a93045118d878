"""Whom the console lets in: superusers, and staff of an organization, who see what is theirs.

Pages register themselves at this site while they are imported, so it imports nothing of them before it is asked.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

View = Callable[..., HttpResponse]


def lets_in(user: Any) -> bool:
    """A superuser, or whom a superuser made staff and an organization made a member; asked at each request."""
    from organizations.admin.rights import roles_of

    return bool(user.is_active and (user.is_superuser or (user.is_staff and roles_of(user))))


class SignInForm(AuthenticationForm):
    """Answers alike for a wrong password and for somebody whom the console does not let in."""

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not lets_in(user):
            raise ValidationError(
                self.error_messages["invalid_login"],
                code="invalid_login",
                params={"username": self.username_field.verbose_name},
            )


class ConsoleSite(UnfoldAdminSite):
    login_form = SignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        return lets_in(request.user)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """As Django's, for one user: what is not theirs to see is not there."""
        from accounts.admin.scope import is_for_staff, seen_by, sees_all

        page = getattr(view, "__self__", None)

        @wraps(view)
        def for_user(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            # A view that no page or site owns looks at rows by itself.
            if page is None and not sees_all(request.user) and not is_for_staff(view):
                raise Http404
            with seen_by(request.user):
                try:
                    answer = view(request, *args, **options)
                except PermissionDenied:
                    if not sees_all(request.user) and not _shows(page, request):
                        raise Http404 from None
                    raise
                # While the user is known: cells ask who looks.
                if isinstance(answer, SimpleTemplateResponse):
                    answer.render()
                return answer

        decorated: View = super().admin_view(for_user, cacheable)
        return decorated

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from accounts.admin.display import list_of
        from accounts.admin.scope import sees_all
        from deployments.models import Deployment

        # The start page is of the whole installation.
        if not sees_all(request.user):
            return HttpResponseRedirect(list_of(Deployment))
        answer: HttpResponse = super().index(request, extra_context)
        return answer

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What is called or numbered so. Nothing is kept: what a user sees may change with the next request."""
        from hypervisor.console.search import found

        return found(self, request)


def _shows(page: Any, request: HttpRequest) -> bool:
    return isinstance(page, ModelAdmin) and page.has_view_permission(request)
