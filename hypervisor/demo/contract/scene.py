"""Who and what all steps share: alice, bob and charlie, alice's organization and her cluster."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypervisor.demo.contract.wire import Person, eventually, require_balance

IMAGE = "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime"
Row = dict[str, Any]


@dataclass
class Scene:
    """`alice` owns the organization, `bob` is a member, `charlie` is nobody. `say` prints a line for each step."""

    url: str
    say: Callable[[str], None]
    suffix: str = field(default_factory=lambda: secrets.token_hex(3))
    organization_id: int = 0
    cluster_id: int = 0
    steps: int = 0
    deployments: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.alice, self.bob, self.charlie = (
            Person(self.url, f"{name}-{self.suffix}") for name in ("alice", "bob", "charlie")
        )
        self.password = secrets.token_urlsafe(12)

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """A ✓ with the time it took, and the books, which must balance after it."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        books = f"   [{require_balance(self.alice, self.cluster_id)}]" if self.cluster_id else ""
        self.steps += 1
        self.say(f"✓ {took:5.1f} s  {sentence}{books}")

    def submit(
        self, name: str, gpu: int, priority: int | str, *, who: Person | None = None, **asked: Any
    ) -> Row:
        """A deployment on the cluster, remembered by its name."""
        body = {
            "name": name, "docker_image": IMAGE, "cluster_id": self.cluster_id, "required_gpu": gpu,
            "required_cpu": 1.5, "required_ram": 0.5, "priority": priority,
        }  # fmt: skip
        row: Row = (who or self.alice).post("/deployments", body | asked, status=201)
        self.deployments[name] = row["id"]
        return row

    def path(self, name: str, *more: str) -> str:
        """The path of a deployment submitted here."""
        return "/".join(("/deployments", str(self.deployments[name]), *more))

    def look(self, name: str) -> Row:
        """The deployment now."""
        row: Row = self.alice.get(self.path(name))
        return row

    def statuses(self, *names: str) -> list[str]:
        """Their states, in this order."""
        return [self.look(name)["status"] for name in names]

    def wait(self, *, reason: str | None = None, **wanted: str) -> None:
        """Until each named deployment is in its state: `wait(train="running")`."""
        for name, status in wanted.items():
            eventually(
                self.alice,
                f"{name} should be {status}{f' with reason {reason}' if reason else ''}",
                lambda name=name, status=status: (  # type: ignore[misc]
                    (row := self.look(name))["status"] == status and reason in {None, row["reason"]}
                ),
            )

    def stop(self, *names: str) -> None:
        """Stop them, and wait for their end."""
        for name in names:
            self.alice.post(self.path(name, "stop"))
        self.wait(**dict.fromkeys(names, "completed"))
