"""Steps about what is asked of the engine: a container that can do no more than it was booked for."""

from hypervisor.demo.contract.wire import Person
from hypervisor.demo.docker.site import docker_cluster
from hypervisor.demo.engines.world import World, require_equal

MIB = 2**20
SLEEP = "exec sleep 600"


def connect(world: World) -> None:
    with world.step("only platform staff may connect a socket of the machine"):
        anybody = Person(world.service.url, "anybody")
        credentials = {"username": "anybody", "password": "a long enough passphrase"}
        anybody.post("/register", credentials, status=201)
        anybody.sign_in(anybody.ask("POST", "/token", data=credentials)["access_token"])
        own = anybody.post("/organizations", {"name": "anybody's"}, status=201)["id"]
        body = docker_cluster("mine", own, world.engine.socket_path, cpu=1, ram=1, gpu=0)
        anybody.post("/clusters", body, status=400)
        anybody.names_field("connection.endpoint")
    with world.step("a cluster's engine answers what it is") as evidence:
        said = world.admin.post(f"/clusters/{world.cluster_id}/check")
        world.admin.require(said["reachable"], "reachable")
        require_equal("its version", said["version"], world.engine.info()["ServerVersion"])
        evidence.append(
            f"Docker {said['version']}, {said['capacity_cpu']:g} cores, {said['capacity_ram']:g} GB"
        )


def limits(world: World) -> None:
    with world.step("a real container starts, and may use what was booked and no more") as evidence:
        world.submit(
            "limited", SLEEP, required_cpu=0.5, required_ram=0.25, env={"COLOUR": "blue"},
            labels={"team": "vision"}, ports=[8080], working_dir="/tmp",  # noqa: S108 (in the container)
        )  # fmt: skip
        world.wait("limited", "running")
        found = world.inspect("limited")
        host, config = found["HostConfig"], found["Config"]
        for key, promised in (
            ("NanoCpus", 500_000_000), ("Memory", 256 * MIB), ("MemorySwap", 256 * MIB),
            ("Privileged", False), ("CapDrop", ["ALL"]), ("CapAdd", None), ("Binds", None), ("Devices", None),
            ("PidMode", ""), ("UTSMode", ""), ("IpcMode", "private"), ("PublishAllPorts", False),
            ("Init", True), ("LogConfig", {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}),
        ):  # fmt: skip
            # Where nothing was asked for, engines differ in how they say nothing.
            require_equal(key, host[key] if promised else host[key] or promised, promised)
            evidence += [f"{key} {host[key]}"] if promised and key != "LogConfig" else []
        require_equal("RestartPolicy", host["RestartPolicy"]["Name"], "no")
        world.admin.require(0 < (host["PidsLimit"] or 0) <= 4096, f"PidsLimit, not {host['PidsLimit']}")
        world.admin.require(
            "no-new-privileges:true" in host["SecurityOpt"], f"no new privileges, not {host['SecurityOpt']}"
        )
        world.admin.require(not host["PortBindings"], f"no port of the machine, not {host['PortBindings']}")
        evidence += [f"PidsLimit {host['PidsLimit']}", "SecurityOpt no-new-privileges"]
        world.admin.require("COLOUR=blue" in config["Env"], "its environment")
        require_equal("the user's label", config["Labels"]["team"], "vision")
        require_equal("its folder", config["WorkingDir"], "/tmp")  # noqa: S108
        mine = {
            "run": f"run-{world.runs('limited')[0]['id']}", "installation": world.identity.installation,
            "cluster": world.identity.clusters[world.cluster_id], "organization": str(world.organization_id),
        }  # fmt: skip
        for label, value in mine.items():
            require_equal(f"the label {label}", config["Labels"][f"mlops-hypervisor/{label}"], value)
    with world.step("it has a network with its own organization alone, none of the machine's") as evidence:
        networks = list(found["NetworkSettings"]["Networks"])
        expected = f"hv-{world.identity.installation[:8]}-org-{world.organization_id}"
        require_equal("its networks", networks, [expected])
        evidence.append(expected)
        world.stop("limited")


def full(world: World) -> None:
    with world.step("as many run as fit, and the others wait until one has ended") as evidence:
        names = [f"filler {number}" for number in range(6)]
        for name in names:
            world.submit(name, "sleep 3", required_cpu=0.5, required_ram=0.25)
        ends = [world.wait(name, "completed") for name in names]
        late = [row for row in ends[4:] if row["started_at"] >= min(other["ended_at"] for other in ends)]
        world.admin.require(len(late) == 2, "two of six should have waited for one that ended")
        evidence.append("4 of 6 at once")
