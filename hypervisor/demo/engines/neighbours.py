"""Steps about neighbours: two installations on one engine, and two engines of one installation."""

import time

from hypervisor.demo.docker.engine import Engine
from hypervisor.demo.engines.world import World, require_equal

SLEEP = "exec sleep 600"
PASSES_SECONDS = 6.0
"""Several looks of each service at the engine."""


def two_installations(first: World, second: World, stranger: str) -> None:
    with first.step("two installations on one engine: each starts its own") as evidence:
        for world in (first, second):
            world.submit("neighbour", SLEEP)
        for world in (first, second):
            world.wait("neighbour", "running")
        names = [world.container("neighbour") for world in (first, second)]
        first.admin.require(all(map(first.engine.is_running, names)), "both should run")
        evidence.append(" and ".join(names))
    with first.step("neither takes the other's container, nor a stranger's, for one that nobody owns"):
        time.sleep(PASSES_SECONDS)
        for world, name in zip((first, second), names, strict=True):
            world.wait("neighbour", "running")
            world.admin.require(world.engine.is_running(name), f"{name} should run on")
        first.admin.require(first.engine.is_running(stranger), f"the stranger {stranger} should run on")
    with first.step("what one stops is its own; the other's runs on"):
        second.stop("neighbour")
        second.admin.require(not second.engine.is_running(names[1]), "it should be gone")
        time.sleep(PASSES_SECONDS / 2)
        first.admin.require(first.engine.is_running(names[0]), f"{names[0]} should run on")
        first.admin.require(first.engine.is_running(stranger), f"the stranger {stranger} should run on")
        first.stop("neighbour")


def two_engines(world: World, other: Engine) -> None:
    with world.step("two engines of one installation: each runs what was submitted to it") as evidence:
        second = world.add_cluster("second engine", other.socket_path, cpu=1, ram=1, gpu=0)
        world.submit("here", SLEEP)
        world.submit("there", SLEEP, cluster_id=second)
        for name in ("here", "there"):
            world.wait(name, "running")
        here, there = world.container("here"), world.container("there")
        where = [[engine.is_running(name) for name in (here, there)] for engine in (world.engine, other)]
        require_equal("who runs where", where, [[True, False], [False, True]])
        evidence.append(f"{here} on {world.engine.socket_path}, {there} on {other.socket_path}")
    with world.step("what is stopped on one of them leaves the other alone"):
        time.sleep(PASSES_SECONDS)
        world.stop("here")
        world.admin.require(other.is_running(there), f"{there} should run on")
        world.stop("there")
        require_equal("what is left there", world.identity.running(other), frozenset())
