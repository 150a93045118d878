"""Steps about the queue, preemption, dependencies and pause. Nobody here calls the scheduler."""

from hypervisor.demo.contract.scene import Scene


def queue(scene: Scene) -> None:
    with scene.step("what fits starts by itself"):
        for name, priority in (("medium", "MEDIUM"), ("older", 1), ("younger", "low")):
            scene.submit(name, 2, priority)
            scene.wait(**{name: "running"})
    with scene.step("what does not fit waits and says why; MEDIUM pushes nobody aside"):
        row = scene.submit("patient", 2, "MEDIUM", who=scene.bob)
        scene.alice.require(
            row["status"] == "pending" and row["priority"] == 2, "a submit is answered pending"
        )
        scene.wait(patient="pending", reason="insufficient_capacity")
        running = scene.statuses("medium", "older", "younger")
        scene.alice.require(running == ["running"] * 3, "the others should run on")


def preempt(scene: Scene) -> None:
    alice = scene.alice
    queued = scene.look("older")["queued_at"]
    with scene.step("HIGH preempts the oldest of the lowest, and nobody else"):
        scene.submit("urgent", 2, "HIGH")
        scene.wait(urgent="running", older="pending")
        counts = [scene.look(name)["preemption_count"] for name in ("medium", "older", "younger")]
        alice.require(counts == [0, 1, 0], f"preemption counts should be 0, 1, 0, not {counts}")
        alice.require(scene.statuses("medium", "younger") == ["running"] * 2, "the others should run on")
        first = alice.get(scene.path("older", "runs"))["results"][-1]
        alice.require(
            first["outcome"] == "preempted" and first["preempted_by_id"] == scene.deployments["urgent"],
            "the run should say that it was preempted, and for whom",
        )
    with scene.step("the victim is back in the queue at its old place"):
        alice.require(scene.look("older")["queued_at"] == queued, "queued_at should be the old one")
    with scene.step("/start runs a cycle and lets nobody jump the queue"):
        row = alice.post(scene.path("older", "start"))
        alice.require(row["status"] == "pending", "it should wait on")
        alice.require(scene.statuses("patient") == ["pending"], "so should the other")
    with scene.step("freed room goes to the first in the queue: MEDIUM before the victim"):
        scene.stop("urgent")
        scene.wait(patient="running")
        alice.require(scene.statuses("older") == ["pending"], "the victim should still wait")
    with scene.step("the victim starts again when it is its turn, as a second run"):
        scene.stop("patient")
        scene.wait(older="running")
        runs = alice.get(scene.path("older", "runs"))["results"]
        alice.require([run["outcome"] for run in runs] == [None, "preempted"], "two runs, newest first")
        kinds = [event["kind"] for event in alice.get(scene.path("older", "events"))["results"]]
        alice.require(kinds[-1] == "submitted" and len(kinds) >= 5, "the story should be told from the start")
    with scene.step("for nobody's sake is a HIGH one evicted; what can never fit is refused at submit"):
        scene.stop("medium")
        scene.submit("high", 2, "HIGH")
        scene.wait(high="running")
        scene.submit("too much", 6, "HIGH")
        scene.wait(**{"too much": "pending"}, reason="insufficient_capacity")
        alice.require(
            scene.statuses("high", "older", "younger") == ["running"] * 3, "nobody should be evicted in vain"
        )
        alice.post(scene.path("too much", "cancel"))
        alice.post(
            "/deployments",
            {
                "name": "giant", "docker_image": "ubuntu:24.04", "cluster_id": scene.cluster_id,
                "required_gpu": 7, "required_cpu": 1, "required_ram": 1,
            },
            status=400,
        )  # fmt: skip
        alice.names_field("required_gpu")
        scene.stop("high")


def depend(scene: Scene) -> None:
    alice = scene.alice
    with scene.step("a dependent waits although it fits, and says for what"):
        scene.submit("dataset", 1, "LOW")
        scene.submit("training", 1, "HIGH", dependency_ids=[scene.deployments["dataset"]])
        scene.wait(dataset="running")
        scene.wait(training="pending", reason="waiting_for_dependencies")
        dependency = alice.get(scene.path("training", "dependencies"))["results"]
        dependent = alice.get(scene.path("dataset", "dependents"))["results"]
        alice.require(
            [row["name"] for row in (*dependency, *dependent)] == ["dataset", "training"], "both ways"
        )
    with scene.step("its completion releases the dependent"):
        scene.stop("dataset")
        scene.wait(training="running")
        scene.stop("training")
    with scene.step("a run ends by itself after its simulated seconds, and releases too"):
        scene.submit("short", 1, "LOW", simulated_seconds=1)
        scene.submit("then", 1, "LOW", simulated_seconds=1, dependency_ids=[scene.deployments["short"]])
        scene.wait(short="completed", then="completed")
    with scene.step("a failed dependency holds its dependents with that reason; they can be cancelled"):
        scene.submit("doomed", 1, "LOW")
        scene.submit("orphan", 1, "LOW", dependency_ids=[scene.deployments["doomed"]])
        scene.wait(doomed="running")
        alice.post(scene.path("doomed", "stop") + "?status=failed")
        scene.wait(doomed="failed")
        scene.wait(orphan="pending", reason="dependency_failed")
        alice.post(scene.path("orphan", "cancel"))
        alice.require(scene.statuses("orphan") == ["cancelled"], "cancelled")
    with scene.step("a circle of dependencies, and an unknown one, are refused; what is waited for stays"):
        scene.submit("one", 1, "LOW", dependency_ids=[scene.deployments["doomed"]])
        scene.submit("two", 1, "LOW", dependency_ids=[scene.deployments["one"]])
        alice.patch(scene.path("one"), {"dependency_ids": [scene.deployments["two"]]}, status=(400, 409))
        alice.patch(scene.path("one"), {"dependency_ids": [2**60]}, status=400)
        alice.names_field("dependency_ids")
        alice.delete(scene.path("one"), status=409)
        alice.delete(scene.path("two"))
        alice.delete(scene.path("one"))


def pause(scene: Scene) -> None:
    alice, cluster = scene.alice, f"/clusters/{scene.cluster_id}"
    with scene.step("a paused cluster starts nothing and evicts nobody; what runs goes on"):
        scene.bob.patch(cluster, {"paused": True}, status=403)
        alice.require(alice.patch(cluster, {"paused": True})["state"] == "paused", "paused")
        scene.submit("held", 2, "HIGH")
        scene.wait(held="pending", reason="cluster_paused")
        alice.require(scene.statuses("older", "younger") == ["running"] * 2, "what runs should go on")
    with scene.step("resumed, it starts what waited"):
        alice.patch(cluster, {"paused": False})
        scene.wait(held="running")
        scene.stop("held")
