"""All that the lanes share, put up in a service's environment and taken down again. Import it after `open_books`."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from hypervisor.demo.chaos.service import Service
from hypervisor.demo.docker.engine import Engine
from hypervisor.demo.docker.relay import Relay
from hypervisor.demo.docker.sampler import Sampler, Use
from hypervisor.demo.docker.site import docker_cluster
from hypervisor.demo.docker.starts import Starts
from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.lane import Lane
from hypervisor.demo.engine_chaos.mischief import Mischief
from hypervisor.demo.engine_chaos.totals import Totals
from hypervisor.demo.engine_chaos.trap import Trap
from hypervisor.demo.engine_chaos.workers import extra_workers, is_engine_worker
from hypervisor.demo.service import Session

CORES, GB, GPUS = 2, 2, 1
"""Of each lane's cluster."""
EXTRA_WORKERS = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """The lanes, each with a cluster behind a relay of its own, and who watches them all."""

    lanes: tuple[Lane, ...]
    relays: tuple[Relay, ...]
    sampler: Sampler


@contextmanager
def stage(
    service: Service,
    engine: Engine,
    *,
    environment: Mapping[str, str],
    image: str,
    lanes: int,
    seed: int,
    restart_command: str,
    say: Callable[[str], None],
) -> Iterator[Stage]:
    """Lanes ready to play; at the end nothing of them is left on the engine."""
    totals = Totals()
    with ExitStack() as stack:
        sessions = [stack.enter_context(closing(_signed_in(service))) for _ in range(lanes)]
        organization_id = sessions[0].create("/organizations", {"name": "engine chaos"})["id"]
        chances = [random.Random(f"{seed}/{number}") for number in range(lanes)]
        traps = [Trap(chance, is_engine_worker) for chance in chances]
        relays = [
            stack.enter_context(
                Relay(service.folder / f"relay-{number}", engine.socket_path, trap, totals.hits.append)
            )
            for number, trap in enumerate(traps)
        ]
        cluster_ids = [
            sessions[0].create(
                "/clusters",
                docker_cluster(
                    relay.path.name, organization_id, str(relay.path), cpu=CORES, ram=GB, gpu=GPUS
                ),
            )["id"]
            for relay in relays
        ]
        identity = records.identity()
        stack.callback(identity.sweep, engine)
        mischief = Mischief(engine, identity, image, restart_command)
        stack.callback(mischief.end)
        stack.enter_context(
            extra_workers(
                count=EXTRA_WORKERS, environment=environment, log=service.folder / "logs" / "extra.log"
            )
        )
        starts = Starts(engine, installation=identity.installation)
        starts.start()
        totals_of_clusters = {identity.clusters[id_]: Use(0, CORES * 1000, GB * 1024) for id_ in cluster_ids}
        sampler = Sampler(engine, label=identity.label, totals=totals_of_clusters)
        sampler.start()
        yield Stage(
            tuple(
                Lane(session, engine, identity, id_, image, chance, trap, starts, mischief, totals, say)
                for session, id_, chance, trap in zip(sessions, cluster_ids, chances, traps, strict=True)
            ),
            tuple(relays),
            sampler,
        )


def _signed_in(service: Service) -> Session:
    session = Session(service.url)
    session.sign_in(
        username=service.environment["DJANGO_SUPERUSER_USERNAME"],
        password=service.environment["DJANGO_SUPERUSER_PASSWORD"],
    )
    return session
