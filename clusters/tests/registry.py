"""A private image registry of a test's own, which asks for a password."""

import json
import shutil
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from clusters.runtimes.base import RegistryLogin
from clusters.runtimes.http import EngineHTTP

from .docker_engine import IMAGE, missing

USER, PASSWORD = "puller", "correct horse"
_CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}/images}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}
"""


class Registry:
    """Where it is, who may pull from it, and the one image in it."""

    def __init__(self, door: EngineHTTP, port: int) -> None:
        self.host, self._door = f"127.0.0.1:{port}", door
        self.login = RegistryLogin(self.host, USER, PASSWORD)
        self.image = f"{self.host}/team/image:1"

    def push(self) -> None:
        """An image of a megabyte that nobody has seen before; the engine forgets it."""
        name = f"hv-registry-{uuid.uuid4().hex}"
        fill = "dd if=/dev/urandom of=/noise bs=1M count=1"
        body = {"Image": IMAGE, "Entrypoint": ["sh", "-c", fill], "HostConfig": {"NetworkMode": "none"}}
        self._call("POST", "/containers/create", {"name": name}, body)
        self._call("POST", f"/containers/{name}/start")
        self._call("POST", f"/containers/{name}/wait")
        repository = self.image.removesuffix(":1")
        self._call("POST", "/commit", {"container": name, "repo": repository, "tag": "1"}, {})
        self._call("DELETE", f"/containers/{name}", {"force": "true"})
        words = {"username": USER, "password": PASSWORD, "serveraddress": self.host}
        header = {"X-Registry-Auth": urlsafe_b64encode(json.dumps(words).encode()).decode()}
        said = self._door.call("POST", f"/v1.41/images/{repository}/push", query={"tag": "1"}, headers=header)
        assert "error" not in str(said.body), said.body
        self.forget()

    def forget(self) -> None:
        """The engine has the image no longer."""
        self._door.call("DELETE", f"/v1.41/images/{self.image}")

    def _call(self, method: str, path: str, query: dict | None = None, body: dict | None = None) -> None:
        answer = self._door.call(method, f"/v1.41{path}", query=query, body=body)
        assert answer.status < 300, answer.body


@contextmanager
def running_registry(door: EngineHTTP, root: Path) -> Iterator[Registry]:
    """A registry with one image in it."""
    program = shutil.which("docker-registry")
    if program is None:
        missing("There is no docker-registry.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (root / "htpasswd").write_text(f"{USER}:{hashed}\n")
    (root / "config.yml").write_text(_CONFIG.format(root=root, port=port))
    process = subprocess.Popen([program, "serve", str(root / "config.yml")], stderr=subprocess.DEVNULL)
    registry = Registry(door, port)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        registry.push()
        yield registry
    finally:
        registry.forget()
        process.terminate()
        process.wait(10)
