"""`python -m hypervisor.demo.engines`: needs DOCKER_HOST; a line for each step; stops at the first promise not kept."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx

from hypervisor.demo.chaos.service import NotServing, own_service
from hypervisor.demo.contract.wire import Broken
from hypervisor.demo.docker.engine import Engine, NoEngine, socket_of
from hypervisor.demo.docker.sampler import Highest, Sampler, Use
from hypervisor.demo.docker.site import find_image, new_admin
from hypervisor.demo.engines import ends, limits, neighbours, queue, reading
from hypervisor.demo.engines.world import World, require_equal

CORES, GB = 2, 2
PARTS = (
    limits.connect, limits.limits, limits.full, ends.by_themselves, ends.stopped, ends.refused, queue.preempt,
    queue.depend, reading.logs, reading.hidden,
)  # fmt: skip
SETTINGS = {
    "SCHEDULER_INTERVAL": "1",
    "SCHEDULER_INTERVAL_SECONDS": "1",
    "KEEP_ENDED_SECONDS": "5",
    # So long an image that cannot be fetched is tried again.
    "START_TIMEOUT_SECONDS": "30",
}
Say = Callable[[str], None]


def main(arguments: list[str]) -> int:
    """The exit code: 0 if every promise was kept."""
    options = _options(arguments)

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 (a command line)

    began = time.monotonic()
    try:
        engine = Engine(socket_of(os.environ.get("DOCKER_HOST", "")))
        image = find_image(engine, options.image)
        other = Engine(socket_of(options.second_engine)) if options.second_engine else None
        steps = _prove(engine, other, image, hints=not options.no_hints, say=say)
    except (Broken, NotServing, NoEngine, httpx.HTTPError) as error:
        say(f"✗ {error or type(error).__name__}")
        return 1
    say(f"{steps} steps in {time.monotonic() - began:.0f} s: every promise was kept.")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hypervisor.demo.engines", description=__doc__)
    parser.add_argument(
        "--image", default="", help="an image with a shell that the engine has (default: its busybox)"
    )
    parser.add_argument(
        "--second-engine", default="", metavar="unix://PATH", help="for the steps about two engines"
    )
    parser.add_argument("--no-hints", action="store_true", help="let the beat alone drive everything")
    return parser.parse_args(arguments)


def _prove(engine: Engine, other: Engine | None, image: str, *, hints: bool, say: Say) -> int:
    settings = SETTINGS | {"SCHEDULER_HINTS": str(hints).lower()}
    with ExitStack() as stack:
        service = stack.enter_context(own_service(**settings, **new_admin()))
        world = World(service, engine, image, say)
        world.add_cluster("engine", engine.socket_path, cpu=CORES, ram=GB, gpu=0)
        say(
            f"A service of its own ({'hints and beat' if hints else 'the beat alone'}), a cluster of {CORES} cores and"
            f" {GB} GB on Docker {engine.info()['ServerVersion']}, image {image}."
        )
        stack.callback(world.identity.sweep, engine)
        sampler = Sampler(
            engine, label=world.identity.label,
            totals={world.identity.clusters[world.cluster_id]: Use(0, CORES * 1000, GB * 1024)},
        )  # fmt: skip
        sampler.start()
        for part in PARTS:
            part(world)
        _neighbours(world, other, settings, stack)
        _end(world, sampler.stop(), other)
        return world.steps


def _neighbours(world: World, other: Engine | None, settings: dict[str, str], stack: ExitStack) -> None:
    engine = world.engine
    stranger = f"stranger-{secrets.token_hex(4)}"
    engine.run(stranger, world.image, ["sleep", "100000"])
    stack.callback(engine.remove, stranger)
    with own_service(**settings, **new_admin()) as service:
        second = World(service, engine, world.image, world.say)
        second.add_cluster("engine", engine.socket_path, cpu=1, ram=1, gpu=0)
        try:
            neighbours.two_installations(world, second, stranger)
        finally:
            second.identity.sweep(engine)
    if other is None:
        world.say("- Two engines of one installation: left out, since there is no --second-engine.")
        return
    stack.callback(lambda: world.identity.sweep(other))
    neighbours.two_engines(world, other)


def _end(world: World, highest: Highest, other: Engine | None) -> None:
    with world.step("during all of it what ran never was more than the cluster has") as evidence:
        evidence.append(str(highest))
        world.admin.require(highest.samples > 0, "there should be samples")
        if highest.over:
            raise Broken(highest.over[0])
        require_equal("the most milli-CPU that ran", highest.use.cpu_milli, CORES * 1000)
    with world.step("at the end the books balance, and no container of ours runs") as evidence:
        books = world.service.manage("check_books")
        require_equal("what check_books says", books.stdout.strip(), "0 differences")
        for engine in filter(None, (world.engine, other)):
            require_equal("what runs", world.identity.running(engine), frozenset())
        evidence.append("0 differences, 0 containers")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
