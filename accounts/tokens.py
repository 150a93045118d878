"""Access and refresh tokens: signed by simplejwt, pinned to our issuer, algorithm and type; refresh tokens rotate."""

import uuid
from datetime import UTC, datetime
from typing import TypedDict

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import audit, sessions
from accounts.errors import NotSignedIn
from accounts.models import RefreshFamily, User

NOT_GOOD = "The refresh token is not good any more. Sign in again with username and password."
# A token's header of a thousand brackets ends in a RecursionError, deep in the JSON parser.
UNREADABLE = (TokenError, KeyError, ValueError, TypeError, RecursionError)


class TokenPair(TypedDict):
    """RFC 6749's answer. `expires_in`: seconds until the access token ends."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


def issue(*, user: User) -> TokenPair:
    """Begin a new family of refresh tokens for a user who has just proved who they are, good for `session_version`."""
    refresh = _refresh_token(user.pk, user.session_version, uuid.uuid4().hex)
    RefreshFamily.objects.create(
        id=uuid.UUID(refresh["family"]),
        user_id=user.pk,
        current_jti=refresh["jti"],
        expires_at=_expiry(refresh),
    )
    return _pair(refresh, user.pk, user.session_version)


def rotate(*, refresh_token: str) -> TokenPair:
    """A new pair for a refresh token; one that was already used ends its whole family. Raises NotSignedIn."""
    try:
        given = RefreshToken(refresh_token)  # type: ignore[arg-type]
        family_id, user_id, version = uuid.UUID(given["family"]), int(given["sub"]), int(given["sv"])
        jti = str(given["jti"])
    except UNREADABLE as error:
        raise NotSignedIn(NOT_GOOD) from error
    pair = None
    with transaction.atomic():
        family = (
            RefreshFamily.objects.select_for_update()
            .filter(id=family_id, user_id=user_id, revoked_at=None)
            .first()
        )
        # From the database, not the cache: a renewal must never outlive the session, whatever Redis knows.
        if family and sessions.stored(user_id).version == version:
            if family.current_jti == jti:
                pair = _renewed(family, version)
            else:
                _revoke(family)
    # Raised outside the transaction: inside, it would roll the revocation back.
    if pair is None:
        raise NotSignedIn(NOT_GOOD)
    return pair


def _renewed(family: RefreshFamily, version: int) -> TokenPair:
    refresh = _refresh_token(family.user_id, version, family.id.hex)
    family.current_jti, family.expires_at = refresh["jti"], _expiry(refresh)
    family.save(update_fields=["current_jti", "expires_at"])
    return _pair(refresh, family.user_id, version)


def _revoke(family: RefreshFamily) -> None:
    family.revoked_at = timezone.now()
    family.save(update_fields=["revoked_at"])
    target = f"user:{family.user_id}"
    audit.record(actor_id=family.user_id, action="session.refresh_token_reused", target=target)


def _refresh_token(user_id: int, version: int, family: str) -> RefreshToken:
    token = RefreshToken()
    token["sub"], token["sv"], token["family"] = str(user_id), version, family
    return token


def _expiry(token: RefreshToken) -> datetime:
    return datetime.fromtimestamp(token["exp"], tz=UTC)


def _pair(refresh: RefreshToken, user_id: int, version: int) -> TokenPair:
    access = AccessToken()
    access["sub"], access["sv"] = str(user_id), version
    return {
        "access_token": str(access),
        "refresh_token": str(refresh),
        "token_type": "bearer",
        "expires_in": int(settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds()),  # type: ignore[attr-defined]
    }
