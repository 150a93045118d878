"""Tenants in the console: members, invite, name."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Count, Q
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant

import organizations.webhooks.admin  # noqa: F401 (registers its pages)
from accounts.admin.actions import RowAction
from accounts.admin.base import DeletedFilter
from accounts.admin.display import ago, moment
from accounts.admin.panels import PanelMaker
from accounts.admin.row_pages import RowPage
from accounts.admin.scope import Right, allowed
from accounts.admin.serviced import ServiceAdmin
from accounts.models import User
from organizations import services
from organizations.admin import members
from organizations.admin.rights import Anybody, RoleRight
from organizations.models import Organization, Role
from organizations.permissions import Action

INVITE = RoleRight(Action.INVITE)


def regenerate(actor: User, organization: Organization) -> str:
    code = services.regenerate_invite(actor=actor, organization=organization)
    return f"the new invite code is {code}"


@admin.register(Organization)
class OrganizationAdmin(ServiceAdmin):
    first_step = (
        "No organization yet. Add one here: it owns clusters and deployments, and its members work with them."
    )
    columns: ClassVar[list[Any]] = ["name", "owners", "members", "created"]
    annotations: ClassVar[dict[str, Any]] = {
        "member_count": Count("memberships", distinct=True),
        "owner_names": StringAgg(
            "memberships__user__username",
            ", ",
            filter=Q(memberships__role=Role.OWNER),
            distinct=True,
            default="",
        ),
    }
    panels: ClassVar[list[PanelMaker]] = [members.members]
    row_pages: ClassVar[list[RowPage]] = [members.PAGE]
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            name="regenerate-invite",
            label="Regenerate the invite",
            asks="Regenerate the invite of",
            act=regenerate,
            done="have a new invite code",
            warning="The old invite code is dead at once, for everybody who still has it.",
            icon="autorenew",
            variant=ActionVariant.DANGER,
            offered=lambda organization: organization.deleted_at is None,
            right=INVITE,
        )
    ]
    rights: ClassVar[dict[str, Right]] = {
        "add": Anybody(),
        "change": RoleRight(Action.RENAME),
        "delete": RoleRight(Action.DELETE),
    }
    list_filter = (DeletedFilter,)
    search_fields = ("name", "id")
    ordering = ("-id",)
    readonly_fields = ("invite_code", "invite_expires", "invite_uses", "created", "deleted")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name",), "description": "You become its owner."})]
        named = (None, {"fields": ("name", "created", *(("deleted",) if obj.deleted_at else ()))})
        if not allowed(INVITE, request.user, obj):
            return [named]
        return [named, ("Invite", {"fields": (("invite_code", "invite_expires", "invite_uses"),)})]

    @display(description="owners")
    def owners(self, organization: Any) -> str:
        return str(organization.owner_names)

    @display(description="members", ordering="member_count")
    def members(self, organization: Any) -> int:
        return int(organization.member_count)

    @display(description="created", ordering="created_at")
    def created(self, organization: Organization) -> Any:
        return ago(organization.created_at)

    @display(description="deleted")
    def deleted(self, organization: Organization) -> Any:
        return moment(organization.deleted_at)

    @display(description="good until")
    def invite_expires(self, organization: Organization) -> Any:
        return moment(organization.invite_expires_at) if organization.invite_expires_at else "no end"

    @display(description="uses left")
    def invite_uses(self, organization: Organization) -> Any:
        return "no limit" if organization.invite_uses_left is None else organization.invite_uses_left

    def create(self, actor: User, values: dict[str, Any]) -> Organization:
        return services.create_organization(actor=actor, name=values["name"])

    def change(self, actor: User, obj: Organization, values: dict[str, Any]) -> None:
        if values:
            stored = Organization.objects.get(pk=obj.pk)
            services.rename_organization(actor=actor, organization=stored, name=values["name"])

    def delete(self, actor: User, obj: Organization) -> None:
        services.delete_organization(actor=actor, organization=obj)
