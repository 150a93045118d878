"""What can go wrong: one exception for each way to go on."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class HypervisorError(Exception):
    """All that this client raises on purpose; its text is a sentence for people."""


class Unreachable(HypervisorError):
    """Nobody answers at this address, or the connection broke."""


class Broken(Unreachable):
    """The connection broke in the middle of a log; what came before it is whole."""


class TimedOut(HypervisorError):
    """What was waited for did not come in time."""


class Problem(HypervisorError):
    """The service refused. `detail` says what to do next; `fields`: field of the body → what is wrong with it.

    `state` and `allowed` come with a 409: the state that does not allow the call, and what it does allow.
    `request_id` finds the call in the service's log.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        fields: Sequence[tuple[str, str]] = (),
        state: str | None = None,
        allowed: Sequence[str] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields = list(fields)
        self.state = state
        self.allowed = list(allowed)
        self.request_id = request_id


class Invalid(Problem):
    """400: something in the request is wrong; `fields` says what."""


class NotSignedIn(Problem):
    """401: no token, one that has ended, or a wrong password."""


class Forbidden(Problem):
    """403: it is there, and this is not for the caller to do."""


class NotFound(Problem):
    """404: there is nothing here that the caller can see."""


class Conflict(Problem):
    """409: its state does not allow this now."""


class Unavailable(Problem):
    """429, 502, 503, 504: later it may succeed."""


_KINDS: Mapping[int, type[Problem]] = {
    400: Invalid,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def problem(response: httpx.Response) -> Problem:
    """The exception for an answer, whose body was read, that is not a success."""
    body: Any = None
    try:
        body = response.json()
    except ValueError:
        # A proxy's page, or none at all.
        body = None
    told = body if isinstance(body, dict) else {}
    detail = told.get("detail") or f"{response.url} answered {response.status_code} {response.reason_phrase}."
    errors = told.get("errors") or []
    return _KINDS.get(response.status_code, Problem)(
        response.status_code,
        str(detail),
        fields=[(str(one.get("field", "")), str(one.get("detail", ""))) for one in errors],
        state=told.get("state"),
        allowed=told.get("allowed") or (),
        request_id=response.headers.get("X-Request-ID"),
    )
