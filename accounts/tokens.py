"""Access and refresh tokens: signed by simplejwt, pinned to our issuer, algorithm and type; refresh tokens rotate."""

import uuid
from datetime import datetime
from typing import TypedDict

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import sessions
from accounts.errors import NotSignedIn
from accounts.models import RefreshFamily, User

EXPIRED = "The refresh token is not good any more. Sign in again with username and password."


class TokenPair(TypedDict):
    """RFC 6749's answer. `expires_in`: seconds until the access token ends."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


def issue(*, user: User) -> TokenPair:
    """Begin a new family of refresh tokens for a user who has just proved who they are."""
    refresh = _refresh_token(user.pk, user.session_version, uuid.uuid4().hex)
    RefreshFamily.objects.create(
        id=uuid.UUID(refresh["family"]),
        user=user,
        current_jti=refresh["jti"],
        expires_at=datetime.fromtimestamp(refresh["exp"], tz=timezone.get_default_timezone()),
    )
    return _pair(refresh, user.pk, user.session_version)


def rotate(*, refresh_token: str) -> TokenPair:
    """A new pair for a refresh token; one that was already used ends its whole family. Raises NotSignedIn."""
    try:
        given = RefreshToken(refresh_token)  # type: ignore[arg-type]
        family_id, user_id, version = uuid.UUID(given["family"]), int(given["sub"]), int(given["sv"])
        jti = str(given["jti"])
    except (TokenError, KeyError, ValueError, TypeError) as error:
        raise NotSignedIn(EXPIRED) from error
    if sessions.current(user_id).version != version:
        raise NotSignedIn(EXPIRED)
    with transaction.atomic():
        family = RefreshFamily.objects.select_for_update().filter(id=family_id, revoked_at=None).first()
        if family is None:
            raise NotSignedIn(EXPIRED)
        if family.current_jti != jti:
            family.revoked_at = timezone.now()
            family.save(update_fields=["revoked_at"])
            pair = None
        else:
            refresh = _refresh_token(user_id, version, family.id.hex)
            family.current_jti = refresh["jti"]
            family.expires_at = datetime.fromtimestamp(refresh["exp"], tz=timezone.get_default_timezone())
            family.save(update_fields=["current_jti", "expires_at"])
            pair = _pair(refresh, user_id, version)
    # Raised outside the transaction: inside, it would roll the revocation back.
    if pair is None:
        raise NotSignedIn(EXPIRED)
    return pair


def _refresh_token(user_id: int, version: int, family: str) -> RefreshToken:
    token = RefreshToken()
    token["sub"], token["sv"], token["family"] = str(user_id), version, family
    return token


def _pair(refresh: RefreshToken, user_id: int, version: int) -> TokenPair:
    access = AccessToken()
    access["sub"], access["sv"] = str(user_id), version
    return {
        "access_token": str(access),
        "refresh_token": str(refresh),
        "token_type": "bearer",
        "expires_in": int(settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds()),  # type: ignore[attr-defined]
    }
