"""What all resources share."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from hypervisor_client.answers import Answer
from hypervisor_client.sendable import sendable
from hypervisor_client.transport import Transport

PAGE = 500
A = TypeVar("A", bound=Answer)


class Resource:
    """Calls below one path."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _get(self, path: str, kind: type[A], **params: Any) -> A:
        return kind.read(self._transport.call("GET", path, params=_given(params)).json())

    def _post(self, path: str, kind: type[A], json: Any = None, *, repeatable: bool = False) -> A:
        return kind.read(
            self._transport.call("POST", path, json=sendable(json), repeatable=repeatable).json()
        )

    def _patch(self, path: str, kind: type[A], json: Any) -> A:
        return kind.read(self._transport.call("PATCH", path, json=sendable(json)).json())

    def _pages(self, path: str, kind: type[A], params: Mapping[str, Any], page: int = PAGE) -> Iterator[A]:
        """All rows, a page at a time, as they are asked for."""
        asked = _given(params) | {"limit": page}
        while True:
            found = self._transport.call("GET", path, params=asked).json()
            for row in found["results"]:
                yield kind.read(row)
            if found["next"] is None:
                return
            # Only its cursor: behind a proxy the service may not know its own address.
            asked["cursor"] = parse_qs(urlsplit(found["next"]).query)["cursor"][0]


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
