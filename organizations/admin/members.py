"""Members of an organization in the console: who they are, and a page that changes or removes one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from accounts.admin.display import ago, badge, link, link_to, page_of
from accounts.admin.panels import Panel
from accounts.admin.row_pages import RowPage, address, context_of
from accounts.admin.scope import allowed, for_staff, sees_all
from accounts.errors import DomainError
from organizations import services
from organizations.admin.rights import RoleRight
from organizations.models import Membership, Organization, Role
from organizations.permissions import Action

ROLE_COLOURS = {Role.OWNER: "violet", Role.ADMIN: "blue", Role.MEMBER: "green", Role.VIEWER: "grey"}
MOST_MEMBERS = 200
MANAGES = RoleRight(Action.MANAGE_MEMBERS)


def role(membership: Membership) -> Any:
    return badge(membership.role, ROLE_COLOURS[Role(membership.role)])


@for_staff
def members(request: HttpRequest, organization: Organization) -> Panel:
    rows = organization.memberships.select_related("user").order_by("id")[:MOST_MEMBERS]
    manages = allowed(MANAGES, request.user, organization) and not organization.deleted_at
    there = address(organization, PAGE.name)
    return Panel(
        "Members",
        ("User", "Role", "May sign in", "Since", ""),
        [
            (
                link(row.user),
                role(row),
                "yes" if row.user.is_active else "no",
                ago(row.created_at),
                link_to(f"{there}?user={row.user_id}", "Change") if manages else "",
            )
            for row in rows
        ],
        nothing="Nobody. Give the invite code to somebody.",
    )


class MemberForm(forms.Form):
    """Either a new role, or the end."""

    role = forms.ChoiceField(choices=Role.choices, required=False)
    remove = forms.BooleanField(required=False)


@for_staff
def manage(model_admin: Any, request: HttpRequest, organization: Organization) -> HttpResponse:
    """GET shows one member and what may be done about them; POST does it."""
    if not allowed(MANAGES, request.user, organization) or organization.deleted_at:
        raise PermissionDenied
    number = request.GET.get("user", "")
    found = organization.memberships.select_related("user")
    member = found.filter(user_id=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if member is None:
        raise Http404
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _change(request, organization, member, form.cleaned_data)
        return HttpResponseRedirect(page_of(organization))
    context = context_of(model_admin, request, organization, f"{member.user.username} in {organization}") | {
        "member": member,
        "roles": Role.choices,
    }
    return TemplateResponse(request, "console/member.html", context)


def _change(
    request: HttpRequest, organization: Organization, member: Membership, asked: dict[str, Any]
) -> None:
    """One service call, and what came of it as a message."""
    actor: Any = request.user
    whom: dict[str, Any] = {"actor": actor, "organization_id": organization.pk, "user_id": member.user_id}
    whom["for_platform"] = sees_all(actor)
    name = member.user.username
    try:
        if asked["remove"]:
            services.remove_member(**whom)
            messages.success(request, f"{name} was removed; the invite code that let them in is dead.")
        elif asked["role"]:
            services.change_role(**whom, role=asked["role"])
            messages.success(request, f"{name} is {asked['role']} now.")
    except DomainError as refusal:
        messages.error(request, f"{name}: {refusal.detail}")


PAGE = RowPage("member", "Members", manage, offered=lambda row: False)
