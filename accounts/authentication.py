"""Bearer tokens: a request is its user's while the session version in the token is the user's current one."""

from copy import copy
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts import sessions
from accounts.models import User

MALFORMED = "Write the header as: Authorization: Bearer ACCESS_TOKEN. Sign in at /token to get one."
NOT_GOOD = "This access token is not valid, or it has expired. Renew it or sign in again at /token."
SIGN_IN_AGAIN = "This session has ended. Sign in again at /token."


class HeldToken(AccessToken):
    """An access token that was good when the answer began that its holder still reads, as a log over many hours.

    It may have expired since, by as much as its session lasts without being renewed.
    """

    _token_backend = copy(token_backend)
    _token_backend.leeway = RefreshToken.lifetime


class TokenAuthentication(JWTAuthentication):
    """Checks signature, issuer, type and expiry (simplejwt), then the session version: one cache read, no query."""

    _kind: type[AccessToken] = AccessToken

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """See `BaseAuthentication`; DRF makes one of us for each request."""
        if request.META.get(settings.STILL_MARK):
            self._kind = HeldToken
        return super().authenticate(request)

    def get_raw_token(self, header: bytes) -> bytes:
        """The token. The scheme may be written in any case (RFC 9110); /token itself calls it `bearer`."""
        parts = header.split()
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            raise AuthenticationFailed(MALFORMED)
        return parts[1]

    def get_validated_token(self, raw_token: bytes) -> Token:
        try:
            return self._kind(raw_token)  # type: ignore[arg-type]
        except (TokenError, RecursionError) as error:
            raise AuthenticationFailed(NOT_GOOD) from error

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        try:
            user_id, version = int(validated_token["sub"]), int(validated_token["sv"])
        except (KeyError, ValueError, TypeError) as error:
            raise AuthenticationFailed(SIGN_IN_AGAIN) from error
        session = sessions.current(user_id)
        if not session.version or session.version != version:
            raise AuthenticationFailed(SIGN_IN_AGAIN)
        return session.user(user_id)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Lets Swagger UI's Authorize button sign in through /token."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "oauth2", "flows": {"password": {"tokenUrl": "/token", "scopes": {}}}}
