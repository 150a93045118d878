"""The few calls of the Docker Engine API that a judge of the service needs, over a unix socket."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

VERSION = "/v1.41"
RUN, CLUSTER, INSTALLATION = (f"mlops-hypervisor/{word}" for word in ("run", "cluster", "installation"))
SECONDS = 30.0
Row = dict[str, Any]


class NoEngine(Exception):
    """There is no engine to ask, or it refused what it was asked."""


class Engine:
    """One Docker engine, by the path of its socket. Any thread may ask; every call raises NoEngine."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=socket_path), base_url="http://engine", timeout=SECONDS
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self._ask("GET", "/_ping").status_code == 200
        except NoEngine:
            return False

    def info(self) -> Row:
        """What it says of itself."""
        said: Row = self._json("GET", "/info")
        return said

    def containers(self, *labels: str, everything: bool = False) -> list[Row]:
        """Its running containers that have all these labels (`name` or `name=value`); `everything`: ended ones too."""
        query = {"filters": json.dumps({"label": list(labels)}), "all": str(everything).lower()}
        found: list[Row] = self._json("GET", "/containers/json", params=query)
        return found

    def inspect(self, container: str) -> Row | None:
        """All about a container, by its name or id; None if there is none."""
        answer = self._ask("GET", f"/containers/{container}/json")
        return None if answer.status_code == 404 else _read(answer)

    def is_running(self, container: str) -> bool:
        """Whether there is one of this name and it runs."""
        found = self.inspect(container)
        return bool(found and found["State"]["Running"])

    def run(self, name: str, image: str, command: list[str], labels: Mapping[str, str] | None = None) -> str:
        """Start a small container that the service knows nothing of; its id."""
        body = {
            "Image": image, "Entrypoint": command, "Labels": dict(labels or {}),
            "HostConfig": {"NetworkMode": "none", "Init": True},
        }  # fmt: skip
        made = self._json("POST", "/containers/create", params={"name": name}, json=body)["Id"]
        self._json("POST", f"/containers/{made}/start")
        return str(made)

    def restart(self, container: str) -> None:
        """Kill it and start it again."""
        self._json("POST", f"/containers/{container}/restart", params={"t": "0"})

    def remove(self, container: str) -> bool:
        """Kill and remove it at once; False if it is gone already, or just going."""
        answer = self._ask("DELETE", f"/containers/{container}", params={"force": "true", "v": "true"})
        if answer.status_code in (404, 409):
            return False
        _read(answer)
        return True

    def has_image(self, image: str) -> bool:
        """Whether the engine has it, so that it need not be pulled."""
        return self._ask("GET", f"/images/{image}/json").status_code == 200

    def images(self) -> list[Row]:
        """The images that it has."""
        found: list[Row] = self._json("GET", "/images/json")
        return found

    def networks(self, *labels: str) -> list[Row]:
        """Its networks that have all these labels."""
        query = {"filters": json.dumps({"label": list(labels)})}
        found: list[Row] = self._json("GET", "/networks", params=query)
        return found

    def remove_network(self, network: str) -> None:
        """Remove a network that nobody uses."""
        self._ask("DELETE", f"/networks/{network}")

    def events(self, *, since: float) -> Iterator[Row]:
        """What happens to containers from this moment on (Unix seconds), until the engine goes down."""
        query = {"filters": json.dumps({"type": ["container"]}), "since": f"{since:.9f}"}
        # Silence is no failure here: nothing may happen for long.
        patience = httpx.Timeout(SECONDS, read=None)
        try:
            with self._http.stream("GET", f"{VERSION}/events", params=query, timeout=patience) as answer:
                for line in answer.iter_lines():
                    if line:
                        yield json.loads(line)
        except (httpx.HTTPError, ValueError) as error:
            raise NoEngine(f"{self.socket_path}: {error or type(error).__name__}") from error

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return _read(self._ask(method, path, **options))

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, VERSION + path, **options)
        except httpx.HTTPError as error:
            raise NoEngine(f"{self.socket_path}: {error or type(error).__name__}") from error


def socket_of(docker_host: str) -> str:
    """The path in `unix:///path`. Raises NoEngine for anything else, also for nothing."""
    scheme, _, path = docker_host.partition("://")
    if scheme != "unix" or not path.startswith("/"):
        raise NoEngine(
            f"A Docker engine on a unix socket is needed, such as unix:///var/run/docker.sock, not {docker_host!r}."
        )
    return path


def _read(answer: httpx.Response) -> Any:
    if answer.status_code >= 400:
        raise NoEngine(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}"
        )
    return answer.json() if answer.content else None
