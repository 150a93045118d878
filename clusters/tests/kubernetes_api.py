"""A test double of a Kubernetes API server: HTTPS on this machine, with what the driver calls, refusals included.

It answers as a real control plane of v1.36 was recorded to (tests/data/kubernetes). Behind it turn a Job
controller, a garbage collector and a kubelet that really runs what the containers say.
"""

import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from . import kubernetes_controllers
from .certificates import Authority
from .kubernetes_handler import Handler
from .kubernetes_kubelet import Kubelet
from .kubernetes_refusing import Json
from .kubernetes_store import Store

_TURN_SECONDS = 0.01


class KubernetesAPI:
    """One running double, and the knobs to make it difficult."""

    def __init__(self) -> None:
        self.store = Store()
        self.kubelet = Kubelet(self.store)
        self.authority = Authority()
        self.requests: list[tuple[str, str]] = []
        self.denied: set[tuple[str, str]] = set()
        """Verb and resource of each right that the token lacks."""
        self.garbage: tuple[int, str] | None = None
        """What everything is answered with, if anything."""
        self.fail_after: int | None = None
        """How many calls still go through before each is answered with 500: a crash, as the driver sees it."""
        self.port = 0

    def pod_of(self, run: str) -> Json:
        """The pod of a run."""
        with self.store.lock:
            return next(
                pod
                for pod in self.store.all("pods")
                if pod["metadata"]["labels"].get("mlops-hypervisor/run") == run
            )

    def kill(self, run: str, reason: str) -> None:
        """The kernel (OOMKilled) or the node (Evicted) kills a run."""
        with self.store.lock:
            self.kubelet.kill(self.pod_of(run), reason)

    def turn(self, closing: threading.Event) -> None:
        """Everything that goes on in a cluster, until the end."""
        while not closing.wait(_TURN_SECONDS):
            with self.store.lock:
                kubernetes_controllers.turn(self.store)
                self.kubelet.turn()

    def may(self, verb: str, resource: str) -> bool:
        return (verb, resource) not in self.denied


@contextmanager
def kubernetes_api() -> Iterator[KubernetesAPI]:
    """A double that runs until the block ends."""
    api = KubernetesAPI()
    handler = type("Handler", (Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    pair = api.authority.sign("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(pair.cert + pair.key)
        file.flush()
        context.load_cert_chain(file.name)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.port = server.server_address[1]
    closing = threading.Event()
    turning = threading.Thread(target=api.turn, args=(closing,), daemon=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    turning.start()
    serving.start()
    try:
        yield api
    finally:
        closing.set()
        turning.join()
        server.shutdown()
        server.server_close()
        api.kubelet.close()
