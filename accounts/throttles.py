"""How often a call may be made. Rates are settings; a refusal is a 429 with Retry-After."""

import hashlib
from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle


class Throttle(SimpleRateThrottle):
    """Reads its rate when it is asked, not when it is imported."""

    scope: str

    def get_rate(self) -> str:
        rates: dict[str, str] = api_settings.DEFAULT_THROTTLE_RATES
        return rates[self.scope]


class RegisterThrottle(Throttle):
    """By address: nobody is signed in yet."""

    scope = "register"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return str(self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)})


class TokenThrottle(Throttle):
    """By username and address together, so that nobody can lock another person out from elsewhere."""

    scope = "token"

    def get_cache_key(self, request: Request, view: Any) -> str:
        data = request.data if isinstance(request.data, dict) else {}
        name = str(data.get("username", "")).casefold()[:200]
        ident = hashlib.sha256(f"{name}|{self.get_ident(request)}".encode()).hexdigest()
        return str(self.cache_format % {"scope": self.scope, "ident": ident})


class JoinThrottle(Throttle):
    """By user: guessing invite codes must not pay."""

    scope = "join"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return str(self.cache_format % {"scope": self.scope, "ident": f"user{request.user.pk}"})
