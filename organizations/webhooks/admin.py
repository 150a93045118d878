"""Webhooks in the console: add, try, switch off, and see what became of each message."""

from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from accounts import secrets
from accounts.admin.actions import RowAction
from accounts.admin.base import DeletedFilter, ReadOnlyAdmin
from accounts.admin.display import NOTHING, ago, badge, link, list_of, moment
from accounts.admin.panels import NEWEST, Panel, PanelMaker
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from organizations.webhooks import services
from organizations.webhooks.kinds import names
from organizations.webhooks.models import DeliveryState, Webhook, WebhookDelivery

STATE_COLOURS = {
    DeliveryState.PENDING: "blue",
    DeliveryState.DELIVERED: "green",
    DeliveryState.FAILED: "red",
    DeliveryState.CANCELLED: "grey",
}
SHOWN_KINDS = 3


def state(delivery: WebhookDelivery) -> Any:
    return badge(delivery.state, STATE_COLOURS[DeliveryState(delivery.state)])


def answered(delivery: WebhookDelivery) -> str:
    """What became of the last attempt, in a few words."""
    if not delivery.attempts:
        return NOTHING
    took = f"{delivery.duration_ms} ms" if delivery.duration_ms is not None else ""
    return " · ".join(part for part in (str(delivery.response_status or ""), took, delivery.error) if part)


def kinds_told(delivery: WebhookDelivery) -> str:
    more = len(delivery.kinds) - SHOWN_KINDS
    return ", ".join(delivery.kinds[:SHOWN_KINDS]) + (f" and {more} more" if more > 0 else "")


def newest(request: HttpRequest, webhook: Webhook) -> Panel:
    rows = webhook.deliveries.order_by("-id")[:NEWEST]
    return Panel(
        "Deliveries",
        ("When", "Events", "State", "Attempts", "Last answer"),
        [
            (link(row, ago(row.created_at)), kinds_told(row), state(row), row.attempts, answered(row))
            for row in rows
        ],
        list_of(WebhookDelivery, webhook__id__exact=webhook.pk),
        nothing="Nothing was sent yet. Send a test.",
    )


def send_test(actor: User, webhook: Webhook) -> str:
    services.send_test(actor=actor, webhook_id=webhook.pk)
    return "a test is on its way; the deliveries below tell what becomes of it"


def rotate_secret(actor: User, webhook: Webhook) -> str:
    secret = services.rotate_secret(actor=actor, webhook_id=webhook.pk)
    return f"its new secret, which is shown only this once, is {secret}"


def redeliver(actor: User, delivery: WebhookDelivery) -> str:
    made = services.redeliver(actor=actor, webhook_id=delivery.webhook_id, delivery_id=delivery.pk)
    return f"it is sent once more as delivery {made.pk}"


class WebhookForm(ServiceForm):
    events = forms.MultipleChoiceField(
        required=False,
        choices=lambda: [(name, name) for name in names()],
        help_text="None chosen: all of them. Ctrl or ⌘ and a click choose several.",
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": 12}),
    )


@admin.register(Webhook)
class WebhookAdmin(ServiceAdmin):
    superusers_alone = True
    form = WebhookForm
    columns: ClassVar[list[Any]] = ["url", "organization_link", "health", "events_told", "created"]
    annotations: ClassVar[dict[str, Any]] = {}
    panels: ClassVar[list[PanelMaker]] = [newest]
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            name="test",
            label="Send a test",
            asks="Send a test event to",
            act=send_test,
            done="get a test event",
            icon="send",
            variant=ActionVariant.PRIMARY,
            offered=lambda webhook: webhook.active and webhook.deleted_at is None,
        ),
        RowAction(
            name="rotate-secret",
            label="Rotate the secret",
            asks="Rotate the secret of",
            act=rotate_secret,
            done="have a new secret",
            warning="Messages are signed with the new and the old one for 24 hours, and then with the new one alone.",
            icon="autorenew",
            offered=lambda webhook: webhook.deleted_at is None,
        ),
    ]
    list_filter = (("organization", AutocompleteSelectFilter), "active", DeletedFilter)
    list_select_related = ("organization",)
    search_fields = ("url", "organization__name", "id")
    search_help_text = "Address, organization or id"
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    readonly_fields = ("organization_link", "health", "events_told", "created", "deleted")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("organization", "url", "events", "active")})]
        if obj.deleted_at:
            return [(None, {"fields": ("url", ("organization_link", "events_told"), ("created", "deleted"))})]
        return [(None, {"fields": (("organization_link", "health"), "url", "events", "active", "created")})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            secret = secrets.decrypt(Webhook.objects.get(pk=obj.pk).secret)
            messages.warning(
                request,
                format_html(
                    'Its secret, which is shown only this once: <code class="console-text">{}</code>',
                    secret,
                ),
            )

    @display(description="organization", ordering="organization__name")
    def organization_link(self, webhook: Webhook) -> Any:
        return link(webhook.organization)

    @display(description="health")
    def health(self, webhook: Webhook) -> Any:
        if not webhook.active:
            return format_html("{} {}", badge("off", "grey"), webhook.disabled_reason)
        if webhook.failures:
            failed = f"{webhook.failures} attempts in a row failed"
            return format_html("{} {}, next {}", badge("failing", "red"), failed, moment(webhook.retry_at))
        return badge("well", "green")

    @display(description="events")
    def events_told(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events) or "all"

    @display(description="created", ordering="created_at")
    def created(self, webhook: Webhook) -> Any:
        return ago(webhook.created_at)

    @display(description="deleted")
    def deleted(self, webhook: Webhook) -> Any:
        return moment(webhook.deleted_at)

    def create(self, actor: User, values: dict[str, Any]) -> Webhook:
        organization = values.pop("organization")
        made, _ = services.create_webhook(actor=actor, organization_id=organization.pk, **values)
        return made

    def change(self, actor: User, obj: Webhook, values: dict[str, Any]) -> None:
        services.change_webhook(actor=actor, webhook_id=obj.pk, changes=values)

    def delete(self, actor: User, obj: Webhook) -> None:
        services.delete_webhook(actor=actor, webhook_id=obj.pk)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    superusers_alone = True
    list_display = ("when", "webhook_link", "events_told", "state_told", "attempts", "last_answer")
    list_display_links = ("when",)
    list_filter = (("webhook", AutocompleteSelectFilter), "state", ("created_at", RangeDateTimeFilter))
    list_select_related = ("webhook",)
    search_fields = ("message_id", "webhook__url", "id")
    row_actions: ClassVar[list[RowAction]] = [
        RowAction(
            name="redeliver",
            label="Send once more",
            act=redeliver,
            done="are sent once more",
            icon="replay",
        )
    ]
    fields = (
        ("when", "webhook_link", "state_told"), ("attempts", "last_attempt", "next_attempt"), "last_answer",
        ("events_told", "message_id"), "message",
    )  # fmt: skip
    readonly_fields = (
        "when", "webhook_link", "events_told", "state_told", "last_answer", "last_attempt", "next_attempt", "message",
    )  # fmt: skip

    @display(description="when", ordering="id")
    def when(self, delivery: WebhookDelivery) -> Any:
        return ago(delivery.created_at)

    @display(description="webhook")
    def webhook_link(self, delivery: WebhookDelivery) -> Any:
        return link(delivery.webhook)

    @display(description="events")
    def events_told(self, delivery: WebhookDelivery) -> str:
        return kinds_told(delivery)

    @display(description="state", ordering="state")
    def state_told(self, delivery: WebhookDelivery) -> Any:
        return state(delivery)

    @display(description="last answer")
    def last_answer(self, delivery: WebhookDelivery) -> str:
        return answered(delivery)

    @display(description="last attempt")
    def last_attempt(self, delivery: WebhookDelivery) -> Any:
        return moment(delivery.attempted_at)

    @display(description="next attempt")
    def next_attempt(self, delivery: WebhookDelivery) -> Any:
        return moment(delivery.next_attempt_at)

    @display(description="message")
    def message(self, delivery: WebhookDelivery) -> Any:
        shown = orjson.dumps(orjson.loads(delivery.body), option=orjson.OPT_INDENT_2).decode()
        return format_html('<pre class="console-text">{}</pre>', shown)
