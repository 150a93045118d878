"""The few verbs of an API server that the driver needs."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from .base import RuntimeFailure
from .http import Answer, ByteStream, EngineHTTP
from .kubernetes_json import Object, mapping_at, not_kubernetes, objects_at, text_at
from .kubernetes_refusals import Refusal, failure_of_refusal, refusal_of

_PAGE = 500
_MAX_PAGES = 2_000
_RESTARTS = 3
_STRICT = {"fieldValidation": "Strict"}
_TOLERATED = timedelta(seconds=2)  # a Date has whole seconds, and an answer takes its time


class KubernetesAPI:
    """One API server. Every method raises `RuntimeFailure` and nothing else.

    `ahead` is how far the server's clock is ahead of ours, by its last answer; zero when that is not much.
    """

    def __init__(self, http: EngineHTTP) -> None:
        self._http = http
        self.ahead = timedelta(0)

    def get(self, path: str, right: str) -> Object | None:
        """An object, or None when it is not there."""
        answer = self.call("GET", path)
        refusal = refusal_of(answer)
        if refusal is Refusal.ABSENT:
            return None
        if refusal:
            raise failure_of_refusal(answer, right)
        return object_in(answer)

    def all(self, path: str, selector: str, right: str) -> list[Object]:
        """All objects with these labels, of one moment."""
        for _ in range(_RESTARTS):
            found = self._pages(path, selector, right)
            if found is not None:
                return found
        raise RuntimeFailure("The cluster changes faster than it can be listed.", permanent=False)

    def page(self, path: str, selector: str, right: str, *, limit: int, after: str = "") -> Answer:
        """One page of a list, or the refusal Refusal.ABSENT: that place in the list is too old to go on from."""
        query: dict[str, Any] = {"limit": limit}
        if selector:
            query["labelSelector"] = selector
        if after:
            query["continue"] = after
        answer = self.call("GET", path, query)
        refusal = refusal_of(answer)
        if refusal and not (refusal is Refusal.ABSENT and answer.status == 410):
            raise failure_of_refusal(answer, right)
        if not refusal and not text_at(answer.body, "kind").endswith("List"):
            raise not_kubernetes()
        return answer

    def create(self, path: str, body: Object) -> Answer:
        """The answer to a creation, refusals included."""
        return self.call("POST", path, _STRICT, body)

    def replace(self, path: str, body: Object) -> Answer:
        """The answer to a replacement, refusals included."""
        return self.call("PUT", path, _STRICT, body)

    def patch(self, path: str, body: Object) -> Answer:
        """The answer to a change, refusals included."""
        kind = {"Content-Type": "application/merge-patch+json"}
        return self.call("PATCH", path, _STRICT, body, kind)

    def delete(self, path: str, options: Object, selector: str = "") -> Answer:
        """The answer to a deletion, of one object or (with a selector) of those of a list, refusals included."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options}
        return self.call("DELETE", path, {"labelSelector": selector} if selector else None, body)

    def stream(self, path: str, query: dict[str, Any], *, total_seconds: float | None = None) -> ByteStream:
        """An answer that comes piece by piece, with whatever silence in between."""
        return self._http.stream(
            "GET", path, query=query, headers={"Accept": "*/*"}, total_seconds=total_seconds
        )

    def call(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Object | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One call, whatever its answer."""
        before = datetime.now(UTC)
        answer = self._http.call(method, path, query=query, body=body, headers=headers)
        self.ahead = _ahead(answer.headers.get("date", ""), before, datetime.now(UTC))
        return answer

    def _pages(self, path: str, selector: str, right: str) -> list[Object] | None:
        """All pages; None when the list is too old to go on with."""
        found: list[Object] = []
        after = ""
        for _ in range(_MAX_PAGES):
            answer = self.page(path, selector, right, limit=_PAGE, after=after)
            if answer.status == 410:
                return None
            found += objects_at(answer.body, "items")
            after = text_at(answer.body, "metadata", "continue")
            if not after:
                return found
        raise not_kubernetes()


def object_in(answer: Answer) -> Object:
    """The object that an answer holds. Raises RuntimeFailure for what is none."""
    if not mapping_at(answer.body, "metadata"):
        raise not_kubernetes()
    return mapping_at(answer.body)


def _ahead(date: str, before: datetime, after: datetime) -> timedelta:
    try:
        told = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return timedelta(0)
    if told.tzinfo is None:
        return timedelta(0)
    if told > after + _TOLERATED:
        return told - after
    if told < before - _TOLERATED:
        return told - before
    return timedelta(0)
