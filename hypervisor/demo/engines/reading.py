"""Steps about what containers write, and what nobody may read."""

import json
import secrets
import time
from pathlib import Path

from hypervisor.demo.engines.world import World, require_equal

LINES = 12
TICKS = f"i=0; while [ $i -lt {LINES} ]; do echo tick $i; i=$((i+1)); sleep 0.4; done"
KEPT_SECONDS = 60.0


def logs(world: World) -> None:
    with world.step("what it writes is read while it writes it") as evidence:
        world.submit("ticking", TICKS)
        world.wait("ticking", "running")
        came: list[tuple[float, str]] = []
        while_running = 0
        with world.admin.http.stream(
            "GET", world.path("ticking", "logs"), params={"follow": "true"}
        ) as answer:
            require_equal("the status", answer.status_code, 200)
            for line in answer.iter_lines():
                came.append((time.monotonic(), line))
                if len(came) == LINES // 2:
                    while_running = world.look("ticking")["status"] == "running"
        require_equal("the lines", [line for _, line in came], [f"tick {n}" for n in range(LINES)])
        world.admin.require(while_running, "half of it should come while it runs")
        took = came[-1][0] - came[0][0]
        world.admin.require(
            took > LINES * 0.4 / 3, f"the lines should come one by one, not within {took:.1f} s"
        )
        evidence.append(f"{len(came)} lines in {took:.1f} s")
    with world.step("and after its end, also when the engine has no container of it any more") as evidence:
        world.wait("ticking", "completed")
        whole = "".join(f"tick {n}\n" for n in range(LINES))
        require_equal("the log", world.log("ticking"), whole)
        container, began = world.container("ticking"), time.monotonic()
        while world.engine.inspect(container):
            world.admin.require(time.monotonic() - began < KEPT_SECONDS, f"{container} should be removed")
            time.sleep(0.2)
        require_equal("the kept log", world.log("ticking"), whole)
        require_equal(
            "its last two lines", world.log("ticking", tail=2), f"tick {LINES - 2}\ntick {LINES - 1}\n"
        )
        evidence.append(f"removed {time.monotonic() - began:.0f} s later, the log is still there")


def hidden(world: World) -> None:
    secret = secrets.token_hex(24)
    with world.step("a secret is in the container's environment") as evidence:
        world.submit(
            "secretive", "echo it has ${#TOKEN} characters; exec sleep 600", secret_env={"TOKEN": secret}
        )
        world.wait("secretive", "running")
        world.admin.require(
            f"TOKEN={secret}" in world.inspect("secretive")["Config"]["Env"], "its environment"
        )
        deadline = time.monotonic() + 20
        while "characters" not in world.log("secretive") and time.monotonic() < deadline:
            time.sleep(0.1)
        require_equal("what it sees of it", world.log("secretive"), f"it has {len(secret)} characters\n")
        evidence.append(world.log("secretive").strip())
    with world.step(
        "and nowhere else: not in the API, the events, the logs, nor in any file of the service"
    ) as said:
        world.stop("secretive")
        answers = [
            world.admin.get(path)
            for path in (
                world.path("secretive"), world.path("secretive", "runs"), world.path("secretive", "events"),
                "/deployments", f"/clusters/{world.cluster_id}",
            )
        ]  # fmt: skip
        world.admin.require(secret not in json.dumps(answers), "no answer should hold it")
        require_equal("what is shown of it", answers[0]["secret_env_names"], ["TOKEN"])
        files = [path for path in world.service.folder.rglob("*") if path.is_file()]
        holders = [str(path) for path in files if secret.encode() in _content(path)]
        world.admin.require(not holders, f"no file should hold it, not {', '.join(holders)}")
        said.append(f"{len(answers)} answers and {len(files)} files were searched")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
