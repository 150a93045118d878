"""The shapes of the organizations' calls."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import UserAnswer
from accounts.wire import Body, Choice, Text, Whole
from organizations.models import Role


class InviteBody(Body):
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    max_uses = Whole(required=False, allow_null=True, min_value=1, max_value=1_000_000)


class JoinBody(Body):
    invite_code = Text(max_length=200)


class OrganizationAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices, help_text="What you are there.")
    created_at = serializers.DateTimeField()
    invite_code = serializers.CharField(required=False, help_text="Only for those who may invite.")
    invite_expires_at = serializers.DateTimeField(required=False, allow_null=True)
    invite_uses_left = serializers.IntegerField(required=False, allow_null=True)


class OrganizationBody(Body):
    answer = OrganizationAnswer

    name = Text(max_length=200)


class MemberAnswer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    joined_at = serializers.DateTimeField()


class MemberBody(Body):
    answer = MemberAnswer

    role = Choice(choices=Role.choices)


class MyOrganization(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


class MeAnswer(UserAnswer):
    organizations = MyOrganization(many=True)


class MeBody(Body):
    answer = MeAnswer

    username = Text(required=False, max_length=150)
    email = serializers.EmailField(required=False, allow_null=True, allow_blank=True, max_length=254)
