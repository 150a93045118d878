"""What persons did, and the sessions that they hold: to read, never to edit."""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import FIXED_SPACE, Writer, ago, badge, changes, link, moment, words
from accounts.admin.known_values import KnownValuesFilter
from accounts.models import AuditEntry, RefreshFamily

writers: dict[str, Writer] = {}
"""Kind of target ("cluster") → how its values are written; higher apps add theirs."""


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "what", "target", "told", "address")
    list_display_links = ("when",)
    list_filter = (
        ("actor", AutocompleteSelectFilter),
        ("action", KnownValuesFilter),
        ("at", RangeDateTimeFilter),
    )
    list_select_related = ("actor",)
    ordering = ("-at", "-id")
    newest_first = "-at"
    search_fields = ("target__startswith", "^actor__username", "=address")
    search_help_text = "Target (like cluster:7), beginning of a username, or an address"
    fields = ("when", "who", "what", "target", "organization_id", "told", "address")
    readonly_fields = ("when", "who", "what", "told")

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

    @display(description="change")
    def told(self, entry: AuditEntry) -> str:
        return changes(entry.detail, writers.get(entry.target.partition(":")[0], lambda field, value: value))


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(ReadOnlyAdmin):
    """Sign-ins through the API. The tokens themselves are never shown."""

    list_display = ("user", "since", "state", "expires_at")
    list_filter = (("user", AutocompleteSelectFilter),)
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
