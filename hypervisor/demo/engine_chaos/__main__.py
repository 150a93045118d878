"""`python -m hypervisor.demo.engine_chaos --rounds 200`: needs DOCKER_HOST; 0 if no promise was broken."""

import argparse
import os
import random
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import django

from hypervisor.demo.chaos.service import NotServing, Service, own_service
from hypervisor.demo.docker.engine import Engine, NoEngine, socket_of
from hypervisor.demo.docker.relay import Relay
from hypervisor.demo.docker.sampler import Sampler
from hypervisor.demo.docker.site import docker_cluster, find_image, new_admin
from hypervisor.demo.docker.starts import Starts
from hypervisor.demo.engine_chaos.totals import Totals
from hypervisor.demo.engine_chaos.trap import Trap
from hypervisor.demo.engine_chaos.workers import Workers, is_engine_worker
from hypervisor.demo.service import GivenUp, Refused, Session
from hypervisor.embedded.location import prepare_location
from hypervisor.supervisor.environment import children_environment

CORES, GB, GPUS = 2, 2, 1
EXTRA_WORKERS = 3
MOST_BROKEN = 3
"""So many rounds may break a promise before no more are played."""
REPORT_ROUNDS = 10
QUICK = {"SCHEDULER_INTERVAL": "1", "SCHEDULER_INTERVAL_SECONDS": "2", "KEEP_ENDED_SECONDS": "5"}
Say = Callable[[str], None]


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _options(arguments)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)  # noqa: T201 (a command line)

    say(f"seed {options.seed}")
    try:
        engine = Engine(socket_of(os.environ.get("DOCKER_HOST", "")))
        image = find_image(engine, options.image)
        with own_service(**QUICK, **new_admin()) as service:
            say(
                f"a service of its own serves {service.url}; engine {engine.info()['ServerVersion']}, image {image}"
            )
            if not _all_rounds(service, engine, image, options, say):
                raise NotServing(f"seed {options.seed}. The folder stays to be looked at: {service.folder}")
    except (NotServing, GivenUp, Refused, NoEngine) as error:
        say(f"✗ {error}")
        return 1
    say("✓ no promise was broken")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hypervisor.demo.engine_chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="at least so many (default: %(default)s)")
    parser.add_argument(
        "--hits", type=int, help="at least so many of each kind (default: a quarter of the rounds)"
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**6), help="default: another each time"
    )
    parser.add_argument(
        "--image", default="", help="an image with a shell that the engine has (default: its busybox)"
    )
    parser.add_argument(
        "--restart-engine", default="", metavar="COMMAND", help="a shell command; without it: never"
    )
    options = parser.parse_args(arguments)
    if options.hits is None:
        options.hits = options.rounds // 4
    return options


def _all_rounds(service: Service, engine: Engine, image: str, options: argparse.Namespace, say: Say) -> bool:
    environment = _open_books(service)
    # Only now: what reads the books needs to know where they are.
    from hypervisor.demo.engine_chaos import records, report
    from hypervisor.demo.engine_chaos.mischief import Mischief
    from hypervisor.demo.engine_chaos.rounds import Rounds

    chance = random.Random(options.seed)
    totals = Totals()
    trap = Trap(chance, is_engine_worker)
    with ExitStack() as stack:
        relay = Relay(service.folder / "relay.sock", engine.socket_path, trap, totals.hits.append)
        stack.enter_context(relay)
        session = stack.enter_context(closing(Session(service.url)))
        session.sign_in(username=service.environment["DJANGO_SUPERUSER_USERNAME"],
                        password=service.environment["DJANGO_SUPERUSER_PASSWORD"])  # fmt: skip
        organization_id = session.create("/organizations", {"name": "engine chaos"})["id"]
        body = docker_cluster("relayed", organization_id, str(relay.path), cpu=CORES, ram=GB, gpu=GPUS)
        cluster_id = session.create("/clusters", body)["id"]
        identity = records.identity()
        stack.callback(identity.sweep, engine)
        workers = Workers(count=EXTRA_WORKERS, environment=environment, log=service.folder / "extra-workers")
        stack.callback(workers.stop)
        workers.start()
        starts = Starts(engine)
        starts.start()
        sampler = Sampler(
            engine, cluster=identity.clusters[cluster_id], cpu_milli=CORES * 1000, ram_mib=GB * 1024
        )
        sampler.start()
        mischief = Mischief(engine, identity, image, chance, options.restart_engine)
        stack.callback(mischief.end)
        rounds = Rounds(
            session, engine, identity, cluster_id, image, chance, trap, starts, mischief, totals, say
        )
        broken = _play(rounds, options, say)
        broken += report.at_the_end(rounds, sampler, relay, service, say, least=options.hits)
    return not broken


def _play(rounds: "Rounds", options: argparse.Namespace, say: Say) -> list[str]:  # type: ignore[name-defined]  # noqa: F821
    totals, broken, known, bad = rounds.totals, [], set[str](), 0
    while totals.rounds < options.rounds or not totals.enough(options.hits):
        if totals.rounds >= 2 * options.rounds or bad >= MOST_BROKEN:
            break
        number = totals.rounds + 1
        found = [line for line in rounds.play(number) if line not in known]
        known.update(found)
        bad += bool(found)
        for line in found:
            say(f"✗ round {number}, seed {options.seed}: {line}")
            broken.append(line)
        if number % REPORT_ROUNDS == 0:
            say(f"round {number}: {totals.hits_in_words()}; {totals.accepted} accepted, {totals.ended} ended")
    return broken


def _open_books(service: Service) -> dict[str, str]:
    """Make this process one of the service's own; the environment of its children."""
    os.environ.update(service.environment)
    environment = children_environment(prepare_location(service.folder))
    os.environ.update(environment)
    django.setup()
    return environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
