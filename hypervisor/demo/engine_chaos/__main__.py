"""`python -m hypervisor.demo.engine_chaos --rounds 200`: needs DOCKER_HOST; 0 if no promise was broken."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable

import django

from hypervisor.demo.chaos.service import NotServing, Service, own_service
from hypervisor.demo.docker.engine import Engine, NoEngine, socket_of
from hypervisor.demo.docker.site import find_image, new_admin
from hypervisor.demo.service import GivenUp, Refused
from hypervisor.embedded.location import prepare_location
from hypervisor.supervisor.environment import children_environment

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
        image, version = find_image(engine, options.image), engine.info()["ServerVersion"]
        with own_service(**QUICK, **new_admin()) as service:
            say(f"a service of its own serves {service.url}; engine {version}, image {image}")
            if not _all_rounds(service, engine, image, options, say):
                raise NotServing(f"seed {options.seed}. The folder stays to be looked at: {service.folder}")
    except (NotServing, GivenUp, Refused, NoEngine) as error:
        say(f"✗ {error}")
        return 1
    say("✓ no promise was broken")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hypervisor.demo.engine_chaos", description=__doc__)
    for name, kind, default, text in (
        ("--rounds", int, 200, "at least so many"),
        ("--hits", int, None, "at least so many of each kind (a quarter of the rounds if not given)"),
        ("--lanes", int, 3, "rounds at a time, each on a cluster of its own"),
        ("--seed", int, secrets.randbelow(10**6), "another each time if not given"),
        ("--image", str, "", "an image with a shell that the engine has (its busybox if not given)"),
        ("--restart-engine", str, "", "a shell command that restarts the engine; without it, it never is"),
    ):
        parser.add_argument(name, type=kind, default=default, help=text)
    options = parser.parse_args(arguments)
    if options.hits is None:
        options.hits = options.rounds // 4
    return options


def _all_rounds(service: Service, engine: Engine, image: str, options: argparse.Namespace, say: Say) -> bool:
    environment = _open_books(service)
    # Only now: what reads the books needs to know where they are.
    from hypervisor.demo.engine_chaos.play import Play
    from hypervisor.demo.engine_chaos.report import at_the_end
    from hypervisor.demo.engine_chaos.stage import stage

    with stage(
        service, engine, environment=environment, image=image, lanes=options.lanes, seed=options.seed,
        restart_command=options.restart_engine, say=say,
    ) as found:  # fmt: skip
        broken = Play(options.rounds, options.hits, options.seed, say).run(found.lanes)
        late = at_the_end(found.lanes, found.relays, found.sampler, service, say, least=options.hits)
        for line in late:
            say(f"✗ {line}")
    return not (broken or late)


def _open_books(service: Service) -> dict[str, str]:
    """Make this process one of the service's own; the environment of its children."""
    os.environ.update(service.environment)
    environment = children_environment(prepare_location(service.folder))
    os.environ.update(environment)
    django.setup()
    return environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
