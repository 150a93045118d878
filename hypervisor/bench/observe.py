"""`python -m hypervisor.bench.observe`: needs DOCKER_HOST; what a look at an engine with many containers costs."""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clusters.runtimes.base import ContainerSpec, Driver, Owner, Phase, RuntimeFailure
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP
from hypervisor.demo.docker.engine import CLUSTER, INSTALLATION, Engine, NoEngine, socket_of
from hypervisor.demo.docker.relay import Relay
from hypervisor.demo.docker.site import find_image

PASSES, THREADS = 100, 4
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ObserveFigure:
    """Calls of the engine and milliseconds, of the first pass of a process and of those after it.

    `bare_ms`: the median for the same list, asked for by a plain client.
    """

    containers: int
    running: int
    first_calls: int
    first_ms: float
    calls: float
    p50_ms: float
    p95_ms: float
    bare_ms: float


def main(arguments: list[str]) -> int:
    """The exit code: 0 if a look in the steady state is one call of the engine."""
    parser = argparse.ArgumentParser(prog="python -m hypervisor.bench.observe", description=__doc__)
    parser.add_argument("--containers", type=int, default=500, help="default: %(default)s")
    parser.add_argument(
        "--running", type=int, default=50, help="of them; the others have ended (default: %(default)s)"
    )
    parser.add_argument("--image", default="", help="one that the engine has (default: its busybox)")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    options = parser.parse_args(arguments)
    console = Console(width=118, highlight=False)
    try:
        engine = Engine(socket_of(os.environ.get("DOCKER_HOST", "")))
        image = find_image(engine, options.image)
        figure = measure(engine, image, options.containers, options.running, say=console.print)
    except (NoEngine, RuntimeFailure) as error:
        console.print(f"✗ {error}")
        return 1
    _print(console, figure)
    if options.out:
        options.out.write_text(json.dumps(asdict(figure), indent=2) + "\n")
    if figure.calls != 1:
        console.print("✗ a look in the steady state should be one call of the engine")
        return 1
    return 0


def measure(
    engine: Engine, image: str, containers: int, running: int, *, say: Callable[[str], None]
) -> ObserveFigure:
    """Put so many containers on the engine, look, and remove them again."""
    owner = Owner(installation=uuid.uuid4().hex, cluster=uuid.uuid4().hex)
    labels = (f"{INSTALLATION}={owner.installation}", f"{CLUSTER}={owner.cluster}")
    with (
        tempfile.TemporaryDirectory(prefix="hv-observe-") as folder,
        Relay(Path(folder) / "relay.sock", engine.socket_path) as relay,
    ):
        endpoint = Endpoint(Scheme.UNIX, path=str(relay.path))
        driver = DockerDriver(EngineHTTP(endpoint, Reach(trusted=True)), owner)
        with _containers(driver, image, containers, running, say):
            _wait_until_ended(engine, labels, running)
            before = relay.counts.total()
            first_ms = _milliseconds(lambda: _observe(driver, containers, running))
            first_calls = relay.counts.total() - before
            times, bare, calls = [], [], 0
            for _ in range(PASSES):  # in turns, so that a noisy moment meets both
                before = relay.counts.total()
                times.append(_milliseconds(lambda: _observe(driver, containers, running)))
                calls += relay.counts.total() - before
                bare.append(_milliseconds(lambda: engine.containers(*labels, everything=True)))
    return ObserveFigure(
        containers=containers,
        running=running,
        first_calls=first_calls,
        first_ms=first_ms,
        calls=calls / PASSES,
        p50_ms=statistics.median(times),
        p95_ms=statistics.quantiles(times, n=20)[-1],
        bare_ms=statistics.median(bare),
    )


@contextmanager
def _containers(
    driver: Driver, image: str, count: int, running: int, say: Callable[[str], None]
) -> Iterator[None]:
    """The first `running` sleep, the others end at once. All of the least size, and all gone afterwards."""

    def start(number: int) -> str:
        command = ("sleep", "100000") if number < running else ("true",)
        return driver.start(
            ContainerSpec(f"run-{number + 1}", image, cpu_milli=10, ram_mib=8, gpu_milli=0, command=command)
        )

    handles: list[str] = []
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            handles += pool.map(start, range(count))
            say(f"{count} containers were started in {time.monotonic() - began:.0f} s.")
            yield
        finally:
            left = [seen.handle for seen in driver.observe()]
            failures = list(pool.map(lambda handle: driver.remove_many([handle]), left))
            say(f"{len(left)} were removed, {sum(map(len, failures))} could not be.")


def _wait_until_ended(engine: Engine, labels: tuple[str, ...], running: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(engine.containers(*labels)) != running:
        if time.monotonic() > deadline:
            raise NoEngine(f"After {PATIENCE_SECONDS:g} s there are not {running} containers running.")
        time.sleep(0.2)


def _observe(driver: Driver, containers: int, running: int) -> None:
    seen = driver.observe()
    if len(seen) != containers or sum(one.phase is Phase.RUNNING for one in seen) != running:
        raise NoEngine(f"A look saw {len(seen)} containers instead of {containers}.")


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _print(console: Console, figure: ObserveFigure) -> None:
    table = Table(
        title=f"A look at {figure.containers} containers, {figure.running} of them running",
        title_justify="left",
    )
    for name in ("pass", "calls of the engine", "ms p50", "ms p95", "bare ms", "ratio"):
        table.add_column(name, justify="left" if name == "pass" else "right")
    table.add_row("the first of a process", str(figure.first_calls), f"{figure.first_ms:.0f}", "", "", "")
    table.add_row(
        f"each of {PASSES} after it", f"{figure.calls:g}", f"{figure.p50_ms:.1f}", f"{figure.p95_ms:.1f}",
        f"{figure.bare_ms:.1f}", f"{figure.p50_ms / figure.bare_ms:.2f}",
    )  # fmt: skip
    console.print(table)
    console.print("bare: the same list asked for by a plain client, past the relay and the driver (median).")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
