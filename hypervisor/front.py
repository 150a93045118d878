"""What web and the stream process in front of it agree on: how large a request may be, and what web believes.

The client's address decides who is throttled, locked out and let at /metrics; so it comes with a proof that only
who has SECRET_KEY can make.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

from deployments.log_protocol import FRONT_MARK

MOST_BODY_BYTES = 2 * 1024 * 1024
"""Of any request: a form of more is an attack or a mistake. The front refuses what is larger, and web does, too."""
PEER_HEADER, PROOF_HEADER = "X-Hypervisor-Peer", "X-Hypervisor-Front"
STILL_HEADER = "X-Hypervisor-Still"
"""The front asks whether an answer that it still gives may go on, with the request that it was begun for."""
STILL_MARK = "hypervisor.still"
"""In a WSGI environ: that, and from the front alone."""
_PEER, _PROOF, _STILL = (
    f"HTTP_{name.upper().replace('-', '_')}" for name in (PEER_HEADER, PROOF_HEADER, STILL_HEADER)
)
_FORWARDED = "HTTP_X_FORWARDED_FOR"
_LABEL = b"hypervisor: the stream process in front of web"

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


def front_proof(secret_key: str) -> str:
    """What the stream process sends with each request; hexadecimal."""
    return hmac.new(secret_key.encode(), _LABEL, hashlib.sha256).hexdigest()


def behind_front(application: Application, *, secret_key: str) -> Application:
    """The application, with the address of the client where the proof is right; it never sees these headers.

    Without the proof nothing is believed of who forwarded a request: then it has no address.
    """
    proof = front_proof(secret_key).encode()

    def application_behind_front(request: Environ, start_response: Any) -> Iterable[bytes]:
        peer, given, still = (request.pop(name, "") for name in (_PEER, _PROOF, _STILL))
        if hmac.compare_digest(given.encode("latin-1", "replace"), proof):
            request["REMOTE_ADDR"] = peer
            request[FRONT_MARK] = True
            if still:
                request[STILL_MARK] = True
        elif request.pop(_FORWARDED, ""):
            # Who comes past the front may have written it, in either of two spellings that are one key here. The
            # peer's own address would be no better: a proxy's, perhaps, that is allowed more than its clients.
            request["REMOTE_ADDR"] = ""
        return application(request, start_response)

    return application_behind_front
