"""Registry credentials in the console. A password is written, and never shown."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.admin.base import DeletedFilter
from accounts.admin.display import NOTHING, ago, link, moment
from accounts.admin.filters import RowFilter
from accounts.admin.panels import PanelMaker
from accounts.admin.scope import Right
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters.credentials import services
from clusters.credentials.serializers import LONGEST_PASSWORD
from clusters.models import RegistryCredential
from organizations.admin.rights import RoleRight, require_in
from organizations.permissions import Action

HIDDEN = "set, hidden"


class CredentialForm(ServiceForm):
    # Not named like the column, which holds the encrypted one and is no field of a form.
    new_password = forms.CharField(
        label="Password or token",
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # A deleted one is only read: it has no fields at all.
        if "new_password" in self.fields and self.instance.pk:
            field = self.fields["new_password"]
            field.required, field.widget.attrs["placeholder"] = False, HIDDEN
            field.help_text = "Leave it empty to keep the one that is there."


@admin.register(RegistryCredential)
class RegistryCredentialAdmin(ServiceAdmin):
    first_step = (
        "No registry credential yet. Add one here, if images are in a registry that asks who pulls them."
    )
    form = CredentialForm
    columns: ClassVar[list[Any]] = ["name", "organization_link", "server", "username", "hidden", "created"]
    annotations: ClassVar[dict[str, Any]] = {}
    panels: ClassVar[list[PanelMaker]] = []
    list_filter = (("organization", RowFilter), DeletedFilter)
    list_select_related = ("organization",)
    search_fields = ("name", "server", "username", "organization__name", "id")
    search_help_text = "Name, server, username, organization or id"
    ordering = ("-id",)
    rights: ClassVar[dict[str, Right]] = dict.fromkeys(
        ("add", "change", "delete"), RoleRight(Action.MANAGE_CREDENTIALS)
    )
    autocomplete_fields = ("organization",)
    readonly_fields = ("organization_link", "hidden", "created", "deleted")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        login: tuple[str, ...] = ("server", "username", "new_password")
        if obj is None:
            return [(None, {"fields": ("organization", "name", *login)})]
        if obj.deleted_at:
            return [(None, {"fields": (("name", "organization_link"), ("server", "username", "hidden"),
                                       ("created", "deleted"))})]  # fmt: skip
        if not self.has_change_permission(request, obj):
            return [
                (
                    None,
                    {"fields": (("name", "organization_link"), ("server", "username", "hidden"), "created")},
                )
            ]
        return [(None, {"fields": (("name", "organization_link"), *login, "created")})]

    @display(description="organization", ordering="organization__name")
    def organization_link(self, credential: RegistryCredential) -> Any:
        return link(credential.organization)

    @display(description="password")
    def hidden(self, credential: RegistryCredential) -> str:
        return NOTHING if credential.deleted_at else HIDDEN

    @display(description="created", ordering="created_at")
    def created(self, credential: RegistryCredential) -> Any:
        return ago(credential.created_at)

    @display(description="deleted")
    def deleted(self, credential: RegistryCredential) -> Any:
        return moment(credential.deleted_at)

    def create(self, actor: User, values: dict[str, Any]) -> RegistryCredential:
        organization = values.pop("organization")
        require_in(actor, organization, Action.MANAGE_CREDENTIALS)
        return services.create_credential(
            actor=actor, organization_id=organization.pk, password=values.pop("new_password"), **values
        )

    def change(self, actor: User, obj: RegistryCredential, values: dict[str, Any]) -> None:
        changes = {
            ("password" if field == "new_password" else field): value for field, value in values.items()
        }
        services.change_credential(actor=actor, credential_id=obj.pk, changes=changes)

    def delete(self, actor: User, obj: RegistryCredential) -> None:
        services.delete_credential(actor=actor, credential_id=obj.pk)
