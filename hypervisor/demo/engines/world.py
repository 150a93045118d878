"""Who and what all steps share: a service, its admin, a cluster, and the engine that the cluster is on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypervisor.demo.chaos.service import Service
from hypervisor.demo.contract.wire import Broken, Person
from hypervisor.demo.docker.engine import Engine
from hypervisor.demo.docker.site import Identity, docker_cluster, identify
from hypervisor.demo.measures import FINAL

PATIENCE_SECONDS, LOOK_SECONDS = 120.0, 0.1
Row = dict[str, Any]


@dataclass
class World:
    """`admin` may connect sockets. `say` prints a line for each step; `deployments`: ids by name."""

    service: Service
    engine: Engine
    image: str
    say: Callable[[str], None]
    organization_id: int = 0
    cluster_id: int = 0
    steps: int = 0
    deployments: dict[str, int] = field(default_factory=dict)
    identity: Identity = field(default_factory=lambda: Identity("", {}))

    def __post_init__(self) -> None:
        self.admin = Person(self.service.url, self.service.environment["DJANGO_SUPERUSER_USERNAME"])
        password = self.service.environment["DJANGO_SUPERUSER_PASSWORD"]
        pair = self.admin.ask("POST", "/token", data={"username": self.admin.name, "password": password})
        self.admin.sign_in(pair["access_token"])
        self.organization_id = self.admin.post("/organizations", {"name": "engines"}, status=201)["id"]

    def add_cluster(self, name: str, socket_path: str, **totals: float) -> int:
        """A Docker cluster of the admin's; its id. The first one is where deployments go."""
        body = docker_cluster(name, self.organization_id, socket_path, **totals)
        id_ = int(self.admin.post("/clusters", body, status=201)["id"])
        self.cluster_id = self.cluster_id or id_
        self.identity = identify(self.service)
        return id_

    @contextmanager
    def step(self, sentence: str) -> Iterator[list[str]]:
        """A ✓ with the time it took; what the step adds to the list is printed behind it, as evidence."""
        began = time.monotonic()
        evidence: list[str] = []
        yield evidence
        took = time.monotonic() - began
        self.steps += 1
        shown = f"   [{'; '.join(evidence)}]" if evidence else ""
        self.say(f"✓ {took:5.1f} s  {sentence}{shown}")

    def submit(self, name: str, script: str = "", **asked: Any) -> Row:
        """A deployment that runs the script in a shell, remembered by its name; what is not asked for is small."""
        body: Row = {
            "name": name, "docker_image": self.image, "cluster_id": self.cluster_id, "priority": "MEDIUM",
            "required_cpu": 0.25, "required_ram": 0.125, "required_gpu": 0, "grace_period_seconds": 2,
            "restart_policy": "never", "image_pull_policy": "if_not_present",
        }  # fmt: skip
        if script:
            body |= {"command": ["sh", "-c"], "args": [script]}
        row: Row = self.admin.post("/deployments", body | asked, status=201)
        self.deployments[name] = row["id"]
        return row

    def path(self, name: str, *more: str) -> str:
        """The path of a deployment submitted here."""
        return "/".join(("/deployments", str(self.deployments[name]), *more))

    def look(self, name: str) -> Row:
        """The deployment now."""
        row: Row = self.admin.get(self.path(name))
        return row

    def runs(self, name: str) -> list[Row]:
        """Its runs, newest first."""
        rows: list[Row] = self.admin.get(self.path(name, "runs"))["results"]
        return rows

    def wait(self, name: str, status: str, reason: str | None = None) -> Row:
        """Until it is in this state, which it must come to unless it has ended otherwise; for a reason, if one is
        named. Raises Broken."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            row = self.look(name)
            if row["status"] == status and reason in (None, row["reason"]):
                return row
            wanted = f"{name} should become {status}{f' with reason {reason}' if reason else ''}"
            told = self.runs(name)[0]["detail"] if row["status"] == "failed" else ""
            self.admin.require(row["status"] not in FINAL, f"{wanted}. {told}")
            self.admin.require(time.monotonic() < deadline, f"within {PATIENCE_SECONDS:g} s {wanted}")
            time.sleep(LOOK_SECONDS)

    def stop(self, name: str) -> float:
        """Stop it, and wait for its end: seconds that took."""
        began = time.monotonic()
        self.admin.post(self.path(name, "stop"))
        self.wait(name, "completed")
        return time.monotonic() - began

    def log(self, name: str, **asked: Any) -> str:
        """What its newest run wrote, as the service tells it."""
        answer = self.admin.http.get(self.path(name, "logs"), params=asked)
        self.admin.last = answer
        self.admin.require(answer.status_code == 200, "its log should be there")
        return answer.text

    def container(self, name: str) -> str:
        """The name of the container of its newest run."""
        return self.identity.container(self.runs(name)[0]["id"])

    def inspect(self, name: str) -> Row:
        """What the engine says of the container of its newest run. Raises Broken if there is none."""
        found = self.engine.inspect(self.container(name))
        if found is None:
            raise Broken(f"The engine should have the container {self.container(name)} of {name}.")
        return found


def require_equal(what: str, found: object, promised: object) -> None:
    """Raises Broken unless both are the same."""
    if found != promised:
        raise Broken(f"{what} should be {promised!r}; it is {found!r}")
