"""Steps about how containers end, and what the service says of it."""

import time

from hypervisor.demo.engines.world import World, require_equal

KIND = "trap 'echo tidied up; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
DEAF = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
SLACK_SECONDS = 20.0
"""Between the end of a container and our seeing it, on a busy machine and with nothing but the beat."""


def by_themselves(world: World) -> None:
    with world.step("one ends by itself: completed") as evidence:
        world.submit("short", "sleep 1")
        row = world.wait("short", "completed")
        require_equal("its exit code", row["exit_code"], 0)
        evidence.append(f"exit code {row['exit_code']}")
    with world.step("one fails with exit code 3: failed, exited_with_error") as evidence:
        world.submit("failing", "echo going wrong; exit 3")
        row = world.wait("failing", "failed", "exited_with_error")
        require_equal("its exit code", row["exit_code"], 3)
        evidence.append(f"exit code {row['exit_code']}")
    with world.step("one takes more memory than it asked for: failed, out_of_memory") as evidence:
        world.submit("greedy", "exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'", required_ram=0.125)
        row = world.wait("greedy", "failed", "out_of_memory")
        evidence.append(f"exit code {row['exit_code']}, {world.runs('greedy')[0]['detail']}")


def stopped(world: World) -> None:
    with world.step(
        "one that is stopped gets its time to tidy up, and takes no more of it than it needs"
    ) as said:
        world.submit("kind", KIND, grace_period_seconds=60)
        world.wait("kind", "running")
        _wait_for_log(world, "kind", "ready")
        seconds = world.stop("kind")
        world.admin.require(seconds < SLACK_SECONDS, f"it should end in time, not after {seconds:.1f} s")
        require_equal("its run's outcome", world.runs("kind")[0]["outcome"], "stopped")
        _wait_for_log(world, "kind", "tidied up")
        said.append(f"{seconds:.1f} s of 60 s")
    with world.step("one that does not listen is killed when its grace is over, and not before") as said:
        world.submit("deaf", DEAF, grace_period_seconds=4)
        world.wait("deaf", "running")
        _wait_for_log(world, "deaf", "ready")
        container = world.container("deaf")
        seconds = world.stop("deaf")
        world.admin.require(
            4 <= seconds < 4 + SLACK_SECONDS, f"it should end after its 4 s, not after {seconds:.1f} s"
        )
        found = world.engine.inspect(container)
        code = found["State"]["ExitCode"] if found else world.look("deaf")["exit_code"]
        require_equal("its exit code", code, 137)
        said.append(f"killed after {seconds:.1f} s, grace 4 s")


def refused(world: World) -> None:
    nowhere = "docker.io/library/mlops-hypervisor-no-such-image:1"
    world.submit("nowhere", docker_image=nowhere)
    with world.step("an image that is not there and may not be pulled: failed, image_not_found") as evidence:
        world.submit("never", docker_image="mlops-hypervisor-no-such-image:1", image_pull_policy="never")
        world.wait("never", "failed", "image_not_found")
        evidence.append(world.runs("never")[0]["detail"])
    with world.step("a program that is not in the image: failed, start_refused") as evidence:
        world.submit("nothing", command=["/no/such/program"])
        world.wait("nothing", "failed", "start_refused")
        evidence.append(world.runs("nothing")[0]["detail"])
    with world.step("an image that no registry has: failed, with what the registry said") as evidence:
        row = world.wait("nowhere", "failed")
        known = ("image_not_found", "image_pull_denied", "image_pull_failed")
        world.admin.require(row["reason"] in known, f"one of {', '.join(known)}, not {row['reason']}")
        if row["reason"] == "image_pull_failed":
            evidence.append("this machine reaches no registry, so: image_pull_failed")
        evidence.append(world.runs("nowhere")[0]["detail"])


def _wait_for_log(world: World, name: str, text: str) -> None:
    deadline = time.monotonic() + SLACK_SECONDS
    while text not in world.log(name):
        world.admin.require(time.monotonic() < deadline, f"the log of {name} should say {text!r}")
        time.sleep(0.1)
