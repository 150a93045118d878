"""Uses a running service over HTTP with Python's own library alone: `smoke.py URL FILE begin|submit N|finish|engine`.

`begin` registers a user with an organization and a cluster, and keeps in FILE what it needs to go on. `submit`
sends N deployments and returns. `finish` waits until all that was ever submitted has completed, and compares the
cluster's books. `engine` signs in as the first admin (ADMIN_PASSWORD), adds the engine behind the engine worker's
socket as a cluster, and runs a container of IMAGE there, whose log it follows and reads again after its end.
"""

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120
GPUS = 4


class Service:
    """A signed-in user of the service."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self.token = url, token

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's body; tried again while the service is away, which is safe for GET alone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            request = urllib.request.Request(urllib.parse.urljoin(self.url, path), method=method)
            request.add_header("Content-Type", "application/json")
            if self.token:
                request.add_header("Authorization", f"Bearer {self.token}")
            data = None if body is None else json.dumps(body).encode()
            try:
                with urllib.request.urlopen(request, data, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if method != "GET" or error.code < 500 or time.monotonic() > deadline:
                    sys.exit(f"{method} {path} was answered {error.code}: {error.read(500).decode()}")
            except OSError as error:
                if method != "GET" or time.monotonic() > deadline:
                    sys.exit(f"{method} {path} was not answered: {error}")
            time.sleep(0.5)

    def text(self, path: str) -> str:
        """The whole of an answer that is text, however long it takes to come."""
        request = urllib.request.Request(urllib.parse.urljoin(self.url, path))
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def rows(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        while path:
            page = self.call("GET", path)
            yield from page["results"]
            path = page["next"]


def begin(service: Service) -> dict[str, Any]:
    """What the next steps need to know."""
    for path in ("/healthz", "/readyz", "/openapi.json"):
        service.call("GET", path)
    user = {"username": f"smoke-{secrets.token_hex(4)}", "password": secrets.token_urlsafe(16)}
    service.call("POST", "/register", user)
    service.token = service.call("POST", "/token", user)["access_token"]
    organization = service.call("POST", "/organizations", {"name": user["username"]})["id"]
    cluster = {"name": "smoke", "organization_id": organization, "runtime": "simulated"}
    amounts = {"total_ram": 64, "total_cpu": 16, "total_gpu": GPUS}
    made = service.call("POST", "/clusters", cluster | amounts)["id"]
    print(f"registered {user['username']}, organization {organization}, cluster {made} with {GPUS} GPUs")
    return {"token": service.token, "cluster": made, "submitted": 0}


def submit(service: Service, state: dict[str, Any], count: int) -> None:
    """Half of them need two GPUs, one in five is HIGH: some wait, some are pushed aside."""
    for number in range(state["submitted"], state["submitted"] + count):
        body = {
            "name": f"smoke-{number}", "docker_image": "busybox:1", "cluster_id": state["cluster"],
            "required_ram": 1, "required_cpu": 1, "required_gpu": 1 + number % 2,
            "priority": 3 if number % 5 == 4 else 1 + number % 2, "simulated_seconds": 2,
        }  # fmt: skip
        service.call("POST", "/deployments", body)
    state["submitted"] += count
    print(f"submitted {count}")


def finish(service: Service, state: dict[str, Any]) -> None:
    """Ends with an error unless all have completed, each run is accounted for, and the whole cluster is free."""
    began, path = time.monotonic(), f"/deployments?cluster_id={state['cluster']}&limit=100"
    while True:
        count = Counter(row["status"] for row in service.rows(path))
        if count["completed"] == state["submitted"] == count.total():
            break
        if time.monotonic() > began + PATIENCE_SECONDS:
            sys.exit(
                f"submitted {state['submitted']}, and after {PATIENCE_SECONDS} s there are {dict(count)}"
            )
        time.sleep(0.5)
    cluster = service.call("GET", f"/clusters/{state['cluster']}")
    held = {name: amount for name, amount in cluster.items() if name.startswith("allocated_") and amount}
    if held or cluster["available_gpu"] != GPUS:
        sys.exit(f"nothing runs, but the books say {cluster}")
    print(f"all {state['submitted']} completed, the books balance ({time.monotonic() - began:.0f} s)")


def engine(service: Service) -> None:
    """Ends with an error unless a real container runs, and its log is there while it runs and after."""
    admin = {"username": "admin", "password": os.environ["ADMIN_PASSWORD"]}
    service.token = service.call("POST", "/token", admin)["access_token"]
    organization = service.call("POST", "/organizations", {"name": f"engine-{secrets.token_hex(4)}"})["id"]
    connection = {"endpoint": "unix:///var/run/docker.sock"}
    cluster = {
        "name": "engine",
        "organization_id": organization,
        "runtime": "docker",
        "connection": connection,
    }
    made = service.call("POST", "/clusters", cluster | {"total_cpu": 1, "total_ram": 1})["id"]
    found = service.call("POST", f"/clusters/{made}/check")
    if not found["reachable"]:
        sys.exit(f"the engine is not reachable: {found['problem']}")
    print(f"the check found Docker {found['version']} with {found['capacity_ram']} GB")
    code = "import time\nfor n in range(5):\n    print('line', n, flush=True)\n    time.sleep(1)"
    body = {
        "name": "hello", "docker_image": os.environ["IMAGE"], "cluster_id": made, "required_ram": 0.25,
        "required_cpu": 0.5, "image_pull_policy": "never", "command": ["python", "-c", code],
    }  # fmt: skip
    path = f"/deployments/{service.call('POST', '/deployments', body)['id']}"
    _wait(service, path, {"running"})
    lines = service.text(f"{path}/logs?follow=true").splitlines()
    if lines != [f"line {n}" for n in range(5)]:
        sys.exit(f"the log that was followed says {lines}")
    _wait(service, path, {"completed"})
    if service.text(f"{path}/logs?tail=2").splitlines() != ["line 3", "line 4"]:
        sys.exit("the log is not there after the end")
    print("a real container ran; its log was followed, and is there after its end")


def _wait(service: Service, path: str, wanted: set[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (row := service.call("GET", path))["status"] not in wanted:
        if time.monotonic() > deadline or row["status"] == "failed":
            sys.exit(f"waited for {wanted}, and it is {row['status']}, {row['reason']}")
        time.sleep(0.2)


def main(url: str, file: str, verb: str, count: str = "0") -> None:
    """Runs one step."""
    path = Path(file)
    state = json.loads(path.read_text()) if verb != "begin" else {}
    service = Service(url, state.get("token", ""))
    if verb == "begin":
        state = begin(service)
    elif verb == "submit":
        submit(service, state, int(count))
    elif verb == "engine":
        engine(Service(url))
    else:
        finish(service, state)
    path.write_text(json.dumps(state))


if __name__ == "__main__":
    main(*sys.argv[1:])
