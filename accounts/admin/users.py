"""Persons: create, deactivate, set a password. Nobody is deleted, so that what they did keeps its name."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import ConsoleAdmin
from accounts.admin.display import ago, list_of, moment, words
from accounts.admin.panels import NEWEST, Panel
from accounts.models import AuditEntry, User
from accounts.services import end_sessions

# Roles in organizations say who may do what: groups would promise what nothing reads.
admin.site.unregister(Group)


class ChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        help_texts = {
            "is_active": "Without it nobody signs in, and every session ends at once.",
            "is_staff": "May sign in here too, and sees and steers what their organizations' roles allow.",
            "is_superuser": "Sees and steers everything here, of all organizations.",
        }

    def clean(self) -> Any:
        cleaned = super().clean()
        if getattr(self, "is_me", False) and not (cleaned.get("is_active") and cleaned.get("is_superuser")):
            raise ValidationError("This would lock you out of the console. Ask another superuser to do it.")
        return cleaned


class PasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> User:
        with transaction.atomic():
            user: User = super().save(commit)
            end_sessions(user_id=user.pk)
        return user


def doings(request: HttpRequest, user: User) -> Panel:
    entries = AuditEntry.objects.filter(actor=user)[:NEWEST]
    return Panel(
        "What they did last",
        ("At", "Action", "Target", "From"),
        [
            (moment(entry.at), words(entry.action.replace(".", " ")), entry.target, entry.address or "")
            for entry in entries
        ],
        list_of(AuditEntry, actor__id__exact=user.pk),
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[misc]
    form = ChangeForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "signed_in", "joined")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username", "email")
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("May sign in", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    panels = [doings]

    @display(description="last sign-in", ordering="last_login")
    def signed_in(self, user: User) -> Any:
        return ago(user.last_login)

    @display(description="joined", ordering="date_joined")
    def joined(self, user: User) -> Any:
        return ago(user.date_joined)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (form,), {"is_me": obj is not None and obj.pk == request.user.pk})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            end_sessions(user_id=obj.pk)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        # Only the password's page logs without saving through `save_model`.
        if request.path.rstrip("/").endswith("/password"):
            self.record(request, "password_set", obj, {})
        return super().log_change(request, obj, message)
