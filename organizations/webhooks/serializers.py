"""The shapes of the webhooks' calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Flag, Text
from organizations.webhooks.examples import CREATED, DELIVERY, LISTED, SHOWN
from organizations.webhooks.models import DeliveryState


@extend_schema_serializer(examples=[OpenApiExample("some events", SHOWN, response_only=True)])
class WebhookAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    organization_id = serializers.IntegerField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text="None: all of them.")
    active = serializers.BooleanField()
    disabled_reason = serializers.CharField(help_text="Why it was switched off by itself, if it was.")
    failures = serializers.IntegerField(help_text="Attempts that failed since the last that did not.")
    failing_since = serializers.DateTimeField(allow_null=True)
    retry_at = serializers.DateTimeField(allow_null=True, help_text="Before that nothing is sent there.")
    old_secret_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Until then messages are signed with the secret before the last change, too.",
    )
    created_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[OpenApiExample("some events", CREATED, response_only=True)])
class NewWebhookAnswer(WebhookAnswer):
    secret = serializers.CharField(help_text="What its messages are signed with. Never shown again.")


class WebhookBody(Body):
    answer = WebhookAnswer

    url = Text(max_length=2000, help_text="Where to send: https://, at a public address.")
    events = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        max_length=100,
        help_text="Names such as `deployment.failed`, or `deployment` and `cluster` for all of these. None: all.",
    )
    active = Flag(required=False)


@extend_schema_serializer(examples=[OpenApiExample("one that is tried again", LISTED, response_only=True)])
class DeliveryAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    webhook_id = serializers.IntegerField()
    message_id = serializers.UUIDField(help_text="The header `webhook-id`, the same in each attempt.")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Of its events.")
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempted_at = serializers.DateTimeField(allow_null=True)
    response_status = serializers.IntegerField(allow_null=True, help_text="Of the last attempt.")
    duration_ms = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(help_text="Why the last attempt failed.")


@extend_schema_serializer(examples=[OpenApiExample("one that is tried again", DELIVERY, response_only=True)])
class DeliveryDetail(DeliveryAnswer):
    body = serializers.CharField(help_text="What is sent, byte for byte: JSON.")
