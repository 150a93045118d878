"""Uses a running service over HTTP, with Python's own library alone: `smoke.py URL FILE begin | submit N | finish`.

`begin` registers a user with an organization and a cluster, and keeps in FILE what it needs to go on. `submit`
sends N deployments and returns. `finish` waits until all that was ever submitted has completed, and compares the
cluster's books.
"""

import json
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


def main(url: str, file: str, verb: str, count: str = "0") -> None:
    """Runs one step."""
    path = Path(file)
    state = json.loads(path.read_text()) if verb != "begin" else {}
    service = Service(url, state.get("token", ""))
    if verb == "begin":
        state = begin(service)
    elif verb == "submit":
        submit(service, state, int(count))
    else:
        finish(service, state)
    path.write_text(json.dumps(state))


if __name__ == "__main__":
    main(*sys.argv[1:])
