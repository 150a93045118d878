"""A user's scripted session with a running service: it outlasts restarts, and never submits anything twice."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0
Row = dict[str, Any]


class GivenUp(Exception):
    """The service stayed away too long."""


class Refused(Exception):
    """An answer that more patience would not change."""

    def __init__(self, answer: httpx.Response) -> None:
        request = answer.request
        super().__init__(
            f"{request.method} {request.url} was answered {answer.status_code}: {answer.text[:500]}"
        )
        self.answer = answer


class Session:
    """One signed-in user. `patience`: seconds that the service may be away before GivenUp is raised.

    `trouble` is called with a line each time that a request must be repeated.
    """

    def __init__(
        self, url: str, *, patience: float = 120.0, trouble: Callable[[str], None] = lambda line: None
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(10.0, connect=2.0))
        self._patience = patience
        self._trouble = trouble
        self._credentials: dict[str, str] = {}
        self.retries = 0

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def sign_up(self, *, username: str, password: str) -> None:
        """Register, and sign in. Registered already, by a try whose answer was lost, is fine."""
        self._credentials = {"username": username, "password": password}
        tried_before = self.retries
        try:
            self.call("POST", "/register", json=self._credentials)
        except Refused:
            if self.retries == tried_before:
                raise
        self._sign_in()

    def sign_in(self, *, username: str, password: str) -> None:
        """Be a user that there is already."""
        self._credentials = {"username": username, "password": password}
        self._sign_in()

    def share(self, other: "Session") -> None:
        """Be the same user as `other`, from another thread."""
        self._credentials = other._credentials
        self._sign_in()

    def get(self, path: str, **params: Any) -> Row:
        """The body of a GET."""
        return self.call("GET", path, params=params or None)

    def rows(self, path: str, **params: Any) -> Iterator[Row]:
        """Every row of a list, page by page."""
        page = self.get(path, limit=500, **params)
        yield from page["results"]
        while page["next"]:
            page = self.get(page["next"])
            yield from page["results"]

    def create(self, path: str, body: Mapping[str, Any], *, find: Mapping[str, Any] | None = None) -> Row:
        """The row made by a POST of `body`, made once: an answer that was lost is looked for by name.

        `find` narrows the list at the same path that the row is looked for in.
        """

        def look() -> Row | None:
            same_name = (row for row in self.rows(path, **(find or {})) if row["name"] == body["name"])
            return next(same_name, None)

        return self._until_answered("POST", path, look, json=body)

    def call(self, method: str, path: str, **options: Any) -> Row:
        """The body of an answer below 400; tried again while the service is away. Raises Refused, GivenUp."""
        return self._until_answered(method, path, **options)

    def _until_answered(
        self, method: str, path: str, look: Callable[[], Row | None] = lambda: None, **options: Any
    ) -> Row:
        deadline, pause = time.monotonic() + self._patience, FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path, **options)
                if answer.status_code == 401 and path != "/token":
                    self._sign_in()
                    answer = self._http.request(method, path, **options)
                if answer.status_code < 400:
                    return answer.json() if answer.content else {}
                if answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(answer)
                why = f"{answer.status_code} {answer.reason_phrase}"
                pause = max(pause, _asked_to_wait(answer))
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
            if time.monotonic() + pause > deadline:
                raise GivenUp(f"The service did not answer for {self._patience:g} s. The last word: {why}")
            self.retries += 1
            self._trouble(f"the service is away ({why}); trying again in {pause:g} s")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            # What was sent may have arrived although its answer did not.
            if found := look():
                return found

    def _sign_in(self) -> None:
        token = self.call("POST", "/token", data={**self._credentials, "grant_type": "password"})
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"


def _asked_to_wait(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(30.0, float(text)) if text.isdigit() else 0.0
