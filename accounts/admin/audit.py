"""What persons did, and the sessions that they hold: to read, never to edit."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import (
    FIXED_SPACE,
    NOTHING,
    Writer,
    ago,
    badge,
    changes,
    link,
    link_to,
    moment,
    page,
    words,
)  # fmt: skip
from accounts.admin.filters import RowFilter
from accounts.admin.known_values import KnownValuesFilter
from accounts.admin.scope import has_page, sees_all, who_looks
from accounts.models import AuditEntry, RefreshFamily

writers: dict[str, Writer] = {}
"""Kind of target ("cluster") → how its values are written; higher apps add theirs."""


HIDDEN = "hidden"


def _models() -> dict[str, type[Model]]:
    """Kind of target → the model that has pages of it."""
    return {str(model._meta.model_name): model for model in admin.site._registry}


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    first_step = "Nobody changed anything yet. What persons do, here or through the API, is noted here."
    list_display = ("when", "who", "what", "subject", "told", "channel", "came_from")
    list_display_links = ("when",)
    list_filter = (
        ("actor", RowFilter),
        ("action", KnownValuesFilter),
        "channel",
        ("at", RangeDateTimeFilter),
    )
    narrowed_by = ("target",)
    list_select_related = ("actor",)
    ordering = ("-at", "-id")
    newest_first = "-at"
    search_fields = ("target__startswith", "^actor__username", "=address")
    search_help_text = "Target (like cluster:7), beginning of a username, or an address"
    fields = ("when", "who", "what", "subject", "organization_id", "told", ("channel", "came_from"))
    readonly_fields = ("when", "who", "what", "subject", "told", "came_from")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Who may not see an address must not find lines by it.
        return self.search_fields if sees_all(request.user) else self.search_fields[:-1]

    @display(description="at", ordering="at")
    def when(self, entry: AuditEntry) -> Any:
        return moment(entry.at)

    @display(description="who")
    def who(self, entry: AuditEntry) -> Any:
        return link(entry.actor)

    @display(description="did", ordering="action")
    def what(self, entry: AuditEntry) -> str:
        subject, _, verb = entry.action.partition(".")
        return words(f"{subject} {verb}").replace(" ", FIXED_SPACE)

    @display(description="target", ordering="target")
    def subject(self, entry: AuditEntry) -> Any:
        """What it was done to, as a link to it where that has a page."""
        kind, _, number = entry.target.partition(":")
        model = _models().get(kind)
        if model is None or not number.isdigit() or not has_page(model):
            return entry.target or NOTHING
        return link_to(page(model, number), entry.target)

    @display(description="from")
    def came_from(self, entry: AuditEntry) -> str:
        """The address, to those who run the installation, and to everybody their own."""
        user = who_looks()
        told = user is not None and (sees_all(user) or entry.actor_id == user.pk)
        return (entry.address or NOTHING) if told else HIDDEN

    @display(description="change")
    def told(self, entry: AuditEntry) -> str:
        return changes(entry.detail, writers.get(entry.target.partition(":")[0], lambda field, value: value))


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(ReadOnlyAdmin):
    """Sign-ins through the API. The tokens themselves are never shown."""

    first_step = "Nobody signed in through the API yet. POST /token does it."

    list_display = ("user", "since", "state", "expires_at")
    list_filter = (("user", RowFilter),)
    list_select_related = ("user",)
    # Its ids are random; each is good for the same time, so that this order is also that of their making.
    ordering = ("-expires_at", "pk")
    newest_first = "-expires_at"
    search_fields = ("user__username",)
    fields = ("user", "state", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("state",)

    @display(description="signed in", ordering="created_at")
    def since(self, family: RefreshFamily) -> Any:
        return ago(family.created_at)

    @display(description="state")
    def state(self, family: RefreshFamily) -> Any:
        if family.revoked_at:
            return badge("revoked", "red")
        return badge("expired", "grey") if family.expires_at < timezone.now() else badge("good", "green")
