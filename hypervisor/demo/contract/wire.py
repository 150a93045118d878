"""Asking the service, and refusing to go on when it answers otherwise than promised."""

import time
from collections.abc import Callable
from typing import Any

import httpx

PATIENCE_SECONDS = 40.0
LOOK_SECONDS = 0.2
ALIVE = ("starting", "running", "stopping")
RESOURCES = ("gpu", "cpu", "ram")


class Broken(Exception):
    """A promise of the contract that was not kept; says the last request and its answer."""


class Person:
    """Somebody who speaks to the service, signed in or not. Remembers the last exchange."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.http = httpx.Client(base_url=url, timeout=15.0)
        self.last: httpx.Response | None = None

    def ask(self, method: str, path: str, *, status: int | tuple[int, ...] = 200, **options: Any) -> Any:
        """The body of the answer, which must have this status. Raises Broken."""
        self.last = self.http.request(method, path, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        self.require(self.last.status_code in wanted, f"the answer should be {' or '.join(map(str, wanted))}")
        if self.last.status_code >= 400:
            self._require_a_problem(self.last)
        return self.last.json() if self.last.content else None

    def get(self, path: str, **params: Any) -> Any:
        """The body of a GET that succeeds."""
        return self.ask("GET", path, params=params or None)

    def post(self, path: str, body: Any = None, *, status: int | tuple[int, ...] = 200) -> Any:
        """The body of the answer to a POST of JSON."""
        return self.ask("POST", path, status=status, json=body)

    def patch(self, path: str, body: Any, *, status: int | tuple[int, ...] = 200) -> Any:
        """The body of the answer to a PATCH of JSON."""
        return self.ask("PATCH", path, status=status, json=body)

    def delete(self, path: str, *, status: int | tuple[int, ...] = 204) -> Any:
        """The body of the answer to a DELETE."""
        return self.ask("DELETE", path, status=status)

    def sign_in(self, token: str) -> None:
        """From now on every request bears this access token."""
        self.http.headers["Authorization"] = f"Bearer {token}"

    def require(self, kept: object, promise: str) -> None:
        """Raises Broken with the last exchange unless the promise was kept."""
        if not kept:
            raise Broken(f"{promise}\n{self.exchange()}")

    def exchange(self) -> str:
        """The last request and its answer."""
        if self.last is None:
            return "nothing was asked yet"
        request = self.last.request
        sent = request.content.decode(errors="replace")[:1000]
        return (
            f"  {self.name}: {request.method} {request.url} {sent}\n"
            f"  answer: {self.last.status_code} {self.last.text[:2000]}"
        )

    def names_field(self, field: str) -> None:
        """The last answer must be a 400 with this field in it."""
        fields = [error["field"] for error in self.last.json().get("errors", [])] if self.last else []
        self.require(any(field in found for found in fields), f"the answer should name {field}")

    def _require_a_problem(self, answer: httpx.Response) -> None:
        kind = answer.headers.get("Content-Type", "")
        body = answer.json() if kind.startswith("application/problem+json") else {}
        self.require(
            body.get("status") == answer.status_code and body.get("detail"),
            "a refusal should be a problem with its status and a detail",
        )


def eventually(who: Person, promise: str, look: Callable[[], object]) -> None:
    """Wait until `look` is true: the beat, or a hint, has to do it. Raises Broken after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        who.require(time.monotonic() < deadline, f"within {PATIENCE_SECONDS:g} s {promise}")
        time.sleep(LOOK_SECONDS)


def require_balance(who: Person, cluster_id: int) -> str:
    """The cluster's books must equal what its live deployments ask for. Answers the books in words."""
    for _ in range(50):
        before = who.get(f"/clusters/{cluster_id}")
        alive = [
            row
            for row in who.get("/deployments", cluster_id=cluster_id, limit=1000)["results"]
            if row["status"] in ALIVE
        ]
        books = who.get(f"/clusters/{cluster_id}")
        if books == before:  # nothing moved between the looks
            break
        time.sleep(LOOK_SECONDS)
    for name in RESOURCES:
        held = round(sum(row[f"required_{name}"] for row in alive), 3)
        who.require(
            books[f"allocated_{name}"] == held,
            f"allocated_{name} should be {held}, what {len(alive)} deployments hold",
        )
        free = max(0, round(books[f"total_{name}"] - held, 3))
        who.require(books[f"available_{name}"] == free, f"available_{name} should be {free}")
    return f"{books['allocated_gpu']:g} of {books['total_gpu']:g} GPUs held by {len(alive)}"
