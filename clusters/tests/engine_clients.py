"""Doors to the servers of tests, and what they refuse."""

from collections.abc import Callable

import pytest

from clusters.runtimes.base import RuntimeFailure
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP

from .certificates import Authority
from .engine_server import Server

OK = "HTTP/1.1 200 OK"
LOCAL = Reach(entries=("127.0.0.0/8",))


def client(
    running: Server, authority: Authority | None = None, host: str = "127.0.0.1", **more
) -> EngineHTTP:
    ca = authority.pem if authority else ""
    reach = more.pop("reach", LOCAL)
    bearer = more.pop("bearer", "")
    return EngineHTTP(
        Endpoint(Scheme.HTTPS, host=host, port=running.port, ca=ca, **more), reach, bearer=bearer
    )


def refused(call: Callable[[], object], *, permanent: bool) -> str:
    """The message of the failure that this call raises."""
    with pytest.raises(RuntimeFailure) as caught:
        call()
    assert caught.value.permanent is permanent
    return str(caught.value)
