"""The shapes of the accounts' calls."""

from typing import Any

from rest_framework import serializers

from accounts.wire import Body, Choice, Text


class RegisterBody(Body):
    username = Text(max_length=150)
    password = Text(max_length=1024, trim_whitespace=False)
    email = serializers.EmailField(required=False, allow_null=True, allow_blank=True, max_length=254)


class TokenBody(Body):
    """RFC 6749 §4.3 and §6. OAuth2 clients also send `scope`, `client_id`, `client_secret`: accepted and unused."""

    grant_type = Choice(choices=["password", "refresh_token"], required=False, allow_blank=True)
    username = Text(required=False, max_length=150)
    password = Text(required=False, max_length=1024, trim_whitespace=False)
    refresh_token = Text(required=False, max_length=4096)
    scope = Text(required=False, allow_blank=True, max_length=1024)
    client_id = Text(required=False, allow_blank=True, allow_null=True, max_length=1024)
    client_secret = Text(required=False, allow_blank=True, allow_null=True, max_length=1024)


class PasswordBody(Body):
    current_password = Text(max_length=1024, trim_whitespace=False)
    new_password = Text(max_length=1024, trim_whitespace=False)


class UserAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    created_at = serializers.DateTimeField()


class TokenAnswer(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField(help_text="Always bearer.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")
