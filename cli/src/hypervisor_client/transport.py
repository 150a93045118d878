"""Calls over HTTP: retried where that is safe, with a token that is renewed when it ends."""

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from hypervisor_client.errors import NotSignedIn, Unreachable, problem
from hypervisor_client.tokens import Tokens, TokenStore

BUSY = frozenset({429, 502, 503})
SAFE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
"""Methods that may be sent again: this API's PUT and PATCH set values, they add nothing."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""With these nothing has reached the service, so that any call may be sent again."""
MOST_DOUBLINGS = 100
"""Of a pause: a service that is away for hours would make the number too large for a float."""
VISIBLE = re.compile(r"[!-~]+")
"""What tokens and keys are made of, and any header can hold."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all, after pauses that double from `first_pause` up to `longest_pause` seconds.

    A Retry-After longer than `most_patience` seconds is not waited for.
    """

    attempts: int = 5
    first_pause: float = 0.25
    longest_pause: float = 5.0
    most_patience: float = 30.0

    def pause(self, attempt: int, response: httpx.Response | None) -> float | None:
        """Seconds until the next attempt; None: there is none. `attempt` counts from 1."""
        if attempt >= self.attempts:
            return None
        asked = _retry_after(response)
        if asked is not None:
            return asked if asked <= self.most_patience else None
        longest = min(self.longest_pause, self.first_pause * 2.0 ** min(attempt - 1, MOST_DOUBLINGS))
        # Half of it by chance: clients that failed together do not come back together.
        return longest * (0.5 + random.random() / 2)


class Transport:
    """One service, and who calls it."""

    def __init__(
        self, url: str, *, store: TokenStore, retries: Retries, timeout: float, user_agent: str
    ) -> None:
        self.url = url.rstrip("/")
        self.store = store
        self._retries = retries
        self._http = httpx.Client(
            base_url=self.url, timeout=timeout, headers={"User-Agent": user_agent}, follow_redirects=False
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """A good answer. `repeatable`: this POST may be sent again. Raises Problem, Unreachable."""
        request = self._http.build_request(method, path, json=json, params=params, headers=headers)
        return self._understood(self._send(request, repeatable=repeatable or method in SAFE, stream=False))

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
    ) -> Iterator[httpx.Response]:
        """A good answer whose body is still to come; `silence`: seconds without a byte until it counts as broken."""
        request = self._http.build_request(
            "GET", path, params=params, headers=headers, timeout=httpx.Timeout(10.0, read=silence)
        )
        response = self._send(request, repeatable=True, stream=True)
        try:
            if not response.is_success:
                response.read()
                raise problem(response)
            yield response
        except httpx.TransportError as error:
            raise Unreachable(f"The connection to {self.url} broke: {_words(error)}.") from error
        finally:
            response.close()

    def sign_in(self, body: Mapping[str, str]) -> Tokens:
        """Tokens from /token, stored. Only sent again if it certainly did not arrive: see `TokenStore.alone`."""
        request = self._http.build_request("POST", "/token", json=dict(body))
        answer = self._understood(self._attempts(request, repeatable=False, stream=False)).json()
        tokens = Tokens(answer["access_token"], answer.get("refresh_token"))
        self.store.save(tokens)
        return tokens

    def _send(self, request: httpx.Request, *, repeatable: bool, stream: bool) -> httpx.Response:
        tokens = self.store.load()
        if tokens is not None:
            request.headers["Authorization"] = _bearer(tokens)
        response = self._attempts(request, repeatable=repeatable, stream=stream)
        if response.status_code != 401 or tokens is None or tokens.refresh is None:
            return response
        response.read()
        renewed = self._renew(tokens)
        if renewed is None:
            return response
        request.headers["Authorization"] = _bearer(renewed)
        return self._attempts(request, repeatable=repeatable, stream=stream)

    def _renew(self, old: Tokens) -> Tokens | None:
        """New tokens, or None if only signing in again helps."""
        with self.store.alone():
            now = self.store.load()
            if now is None or now.refresh is None:
                return None
            if now.access != old.access:
                # Somebody else has renewed them meanwhile.
                return now
            try:
                return self.sign_in({"grant_type": "refresh_token", "refresh_token": now.refresh})
            except NotSignedIn:
                return None

    def _understood(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            raise problem(response)
        if response.content and not response.headers.get("Content-Type", "").startswith("application/json"):
            # A portal that wants a login first, or any other site.
            raise Unreachable(f"{self.url} answers, and is no MLOps Hypervisor. Look at the address.")
        return response

    def _attempts(self, request: httpx.Request, *, repeatable: bool, stream: bool) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            response = None
            try:
                response = self._http.send(request, stream=stream)
                # What is turned away at the door was not carried out, whatever it was.
                if response.status_code not in BUSY or not (repeatable or response.status_code == 429):
                    return response
            except httpx.TransportError as error:
                if not (repeatable or isinstance(error, NOT_SENT)) or attempt >= self._retries.attempts:
                    raise Unreachable(f"{self.url} does not answer: {_words(error)}.") from error
            except httpx.InvalidURL as error:
                raise Unreachable(f"{self.url!r} is not an address: {error}.") from error
            pause = self._retries.pause(attempt, response)
            if response is not None:
                if pause is None:
                    return response
                response.close()
            time.sleep(pause or 0)


def _bearer(tokens: Tokens) -> str:
    # The refusal of a header that cannot be sent shows it, and logs keep what errors say.
    if not VISIBLE.fullmatch(tokens.access):
        raise NotSignedIn(
            401, "The access token is none: a space, a line's end or another such character is in it."
        )
    return f"Bearer {tokens.access}"


def _retry_after(response: httpx.Response | None) -> float | None:
    given = response.headers.get("Retry-After", "") if response is not None else ""
    return float(given) if given.isascii() and given.isdigit() else None


def _words(error: Exception) -> str:
    text = str(error).removeprefix("[Errno 111] ").removeprefix("[Errno -2] ")
    return (text or type(error).__name__).rstrip(".")
