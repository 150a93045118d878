"""The client: who calls, and the ways in."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from hypervisor_client import sse
from hypervisor_client.answers import Event
from hypervisor_client.clusters import Clusters
from hypervisor_client.deployments import Deployments
from hypervisor_client.organizations import Organizations
from hypervisor_client.tokens import MemoryStore, Tokens, TokenStore
from hypervisor_client.transport import Retries, Transport

TIMEOUT_SECONDS = 30.0


def _user_agent() -> str:
    try:
        return f"hypervisor-client/{version('mlops-hypervisor-cli')}"
    except PackageNotFoundError:
        return "hypervisor-client"


class Client:
    """A service at an address, as one user sees it. Close it, or use it as a context manager.

    `token`: an access token, good until it ends. `store`: tokens that are renewed, and kept where you say.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        store: TokenStore | None = None,
        retries: Retries | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._transport = Transport(
            url,
            store=store or MemoryStore(Tokens(token) if token else None),
            retries=retries or Retries(),
            timeout=timeout,
            user_agent=_user_agent(),
        )
        self.organizations = Organizations(self._transport)
        self.clusters = Clusters(self._transport)
        self.deployments = Deployments(self._transport)

    @classmethod
    def login(
        cls,
        url: str,
        username: str,
        password: str,
        *,
        store: TokenStore | None = None,
        retries: Retries | None = None,
    ) -> Self:
        """A client that is signed in, and stays so: its tokens are renewed. Raises NotSignedIn, Unreachable."""
        client = cls(url, store=store, retries=retries)
        client._transport.sign_in({"username": username, "password": password})
        return client

    @property
    def url(self) -> str:
        """Of the service, without a slash at its end."""
        return self._transport.url

    def register(self, username: str, password: str, *, email: str | None = None) -> dict[str, Any]:
        """A new user, who is not signed in yet. Raises Invalid."""
        body = {"username": username, "password": password} | ({"email": email} if email else {})
        return dict(self._transport.call("POST", "/register", json=body).json())

    def me(self) -> dict[str, Any]:
        """The caller, with `organizations`: id, name and role of each."""
        return dict(self._transport.call("GET", "/me").json())

    def events(
        self,
        *,
        organization_id: int | None = None,
        cluster_id: int | None = None,
        deployment_id: int | None = None,
    ) -> Iterator[Event]:
        """What happens from now on, for ever; goes on where it was when the connection breaks.

        Raises NotFound from a service without a live stream: poll then.
        """
        asked = {"organization": organization_id, "cluster": cluster_id, "deployment": deployment_id}
        return sse.follow(self._transport, {name: id_ for name, id_ in asked.items() if id_ is not None})

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
