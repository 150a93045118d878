"""How often a call may be made. Rates are settings; a refusal is a 429 with Retry-After."""

import hashlib
import unicodedata
from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle


class Throttle(SimpleRateThrottle):
    """Reads its rate when it is asked, not when it is imported. While Redis is away nothing is throttled."""

    scope: str

    def get_rate(self) -> str:
        rates: Any = api_settings.DEFAULT_THROTTLE_RATES
        return str(rates[self.scope])

    def get_cache_key(self, request: Request, view: Any) -> str:
        digest = hashlib.sha256(self.subject(request).encode()).hexdigest()
        return str(self.cache_format % {"scope": self.scope, "ident": digest})

    def subject(self, request: Request) -> str:
        """Whose calls are counted together."""
        raise NotImplementedError


class RegisterThrottle(Throttle):
    """By address: nobody is signed in yet."""

    scope = "register"

    def subject(self, request: Request) -> str:
        return str(self.get_ident(request))


class TokenThrottle(Throttle):
    """By username and address together, so that nobody can lock another person out, not even from next door.

    A renewal names no user: it counts by its token, which nobody else has.
    """

    scope = "token"

    def subject(self, request: Request) -> str:
        data = request.data if isinstance(request.data, dict) else {}
        name = data.get("username") or data.get("refresh_token") or ""
        folded = unicodedata.normalize("NFKC", str(name)[:4096]).casefold()
        return f"{folded}|{self.get_ident(request)}"


class UserThrottle(Throttle):
    """By user, who is signed in."""

    def subject(self, request: Request) -> str:
        return f"user {request.user.pk}"


class JoinThrottle(UserThrottle):
    """Guessing invite codes must not pay."""

    scope = "join"


class PasswordThrottle(UserThrottle):
    """Who found an open session must not find the password by trying."""

    scope = "token"


class ProfileThrottle(UserThrottle):
    """A taken name or e-mail is told, so that asking must be slow, as it is at /register. Reading is free."""

    scope = "register"

    def allow_request(self, request: Request, view: Any) -> bool:
        return request.method in SAFE_METHODS or bool(super().allow_request(request, view))
