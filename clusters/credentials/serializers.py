"""The shapes of the registry credentials' calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Text
from clusters.credentials.examples import SHOWN

LONGEST_PASSWORD = 8192
"""Characters. Some registries hand out keys of a few thousand as passwords."""


@extend_schema_serializer(examples=[OpenApiExample("a team's registry", SHOWN, response_only=True)])
class CredentialAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="What a deployment names as registry_credential_id.")
    name = serializers.CharField()
    server = serializers.CharField(help_text="HOST[:PORT]")
    username = serializers.CharField()
    created_at = serializers.DateTimeField()


class CredentialBody(Body):
    answer = CredentialAnswer

    name = Text(max_length=200, help_text="Unique in the organization.")
    server = Text(
        max_length=255,
        help_text="The registry's HOST[:PORT] as images name it, without a scheme or a path. "
        "The credential is sent to no other host.",
    )
    username = Text(max_length=255)
    password = Text(
        write_only=True,
        trim_whitespace=False,
        max_length=LONGEST_PASSWORD,
        help_text="Or a token. Encrypted at once, and never shown again.",
    )
