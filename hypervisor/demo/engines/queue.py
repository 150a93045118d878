"""Steps about the queue on real containers: preemption and dependencies."""

from hypervisor.demo.engines.world import World, require_equal


def preempt(world: World) -> None:
    with world.step("HIGH pushes a running LOW one aside, which comes back and ends") as evidence:
        world.submit("low", "echo begun; sleep 5; echo ended", priority="LOW", required_cpu=1.5)
        world.wait("low", "running")
        first = world.container("low")
        world.submit("high", "sleep 1", priority="HIGH", required_cpu=1.0)
        world.wait("high", "completed")
        row = world.wait("low", "completed")
        require_equal("its preemptions", row["preemption_count"], 1)
        runs = world.runs("low")
        require_equal(
            "the outcomes of its runs", [run["outcome"] for run in runs], ["completed", "preempted"]
        )
        world.admin.require(runs[1]["preempted_by_id"] == world.deployments["high"], "it should say for whom")
        world.admin.require(not world.engine.is_running(first), "its first container should be gone")
        high = world.look("high")
        world.admin.require(
            high["started_at"] >= runs[1]["ended_at"], "the HIGH one should start when the LOW one is gone"
        )
        evidence.append(f"{first} ended, then {world.container('low')}")


def depend(world: World) -> None:
    with world.step("what depends on another starts when that one has completed, and not before") as evidence:
        world.submit("prepare", "sleep 2")
        world.submit("train", "sleep 0.2", priority="HIGH", dependency_ids=[world.deployments["prepare"]])
        world.wait("train", "pending", "waiting_for_dependencies")
        world.wait("prepare", "completed")
        row = world.wait("train", "completed")
        ended = world.look("prepare")["ended_at"]
        world.admin.require(row["started_at"] >= ended, "it should start after the end of the other")
        evidence.append(f"{ended} ≤ {row['started_at']}")
    with world.step("what depends on one that failed waits and says so"):
        world.submit("broken", "exit 1")
        world.submit("after", "true", dependency_ids=[world.deployments["broken"]])
        world.wait("after", "pending", "dependency_failed")
        world.admin.post(world.path("after", "cancel"))
