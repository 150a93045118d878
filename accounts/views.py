"""Register, sign in, change the password. `/me` lives in organizations, which knows the memberships."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts import selectors, services, tokens
from accounts.forms import OAuthFormParser
from accounts.serializers import PasswordBody, RegisterBody, TokenAnswer, TokenBody, UserAnswer
from accounts.throttles import PasswordThrottle, RegisterThrottle, TokenThrottle
from accounts.wire import SignedInRequest, created, parse


class Register(APIView):
    authentication_classes: Any = []
    permission_classes = [AllowAny]
    throttle_classes = [RegisterThrottle]

    @extend_schema(
        operation_id="register",
        tags=["accounts"],
        summary="Register",
        request=RegisterBody,
        responses={201: UserAnswer},
        examples=[
            OpenApiExample(
                "alice",
                {"username": "alice", "password": "correct horse battery", "email": "alice@example.org"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        user = services.register(**parse(RegisterBody, request))
        return created(selectors.profile(user_id=user.pk), "me")


class Token(APIView):
    authentication_classes: Any = []
    permission_classes = [AllowAny]
    throttle_classes = [TokenThrottle]
    parser_classes: Any = [*api_settings.DEFAULT_PARSER_CLASSES, OAuthFormParser]

    @extend_schema(
        operation_id="token",
        tags=["accounts"],
        summary="Sign in, or renew with a refresh token",
        request={"application/json": TokenBody, "application/x-www-form-urlencoded": TokenBody},
        responses={200: TokenAnswer},
        examples=[
            OpenApiExample(
                "with a password",
                {"username": "alice", "password": "correct horse battery"},
                request_only=True,
            ),
            OpenApiExample(
                "with a refresh token",
                {"grant_type": "refresh_token", "refresh_token": "eyJ…"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse(TokenBody, request)
        if body.get("grant_type") == "refresh_token":
            pair = tokens.rotate(refresh_token=_needed(body, "refresh_token"))
        else:
            pair = services.sign_in(
                username=_needed(body, "username"),
                password=_needed(body, "password"),
                request=request._request,
            )
        return Response(pair, headers={"Cache-Control": "no-store"})


class Password(APIView):
    throttle_classes = [PasswordThrottle]

    @extend_schema(
        operation_id="change_password",
        tags=["accounts"],
        summary="Change the password; every session ends",
        request=PasswordBody,
        responses={204: None},
    )
    def post(self, request: SignedInRequest) -> Response:
        services.change_password(user=request.user, **parse(PasswordBody, request))
        return Response(status=204)


def _needed(body: dict[str, Any], field: str) -> str:
    if not body.get(field):
        raise ValidationError({field: ["This field is required for this grant_type."]})
    return str(body[field])
