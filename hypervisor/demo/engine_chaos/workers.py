"""Workers for the engines, more than the service has: one is killed, the others go on, a new one comes at once."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hypervisor.supervisor.services import PROJECT

STOP_SECONDS = 20.0
NURSERY = (sys.executable, "-m", "hypervisor.demo.engine_chaos.nursery")
WORKER = (
    "worker", "--queues=engines", "--pool=threads", "--concurrency=8", "--loglevel=INFO",
    "--without-gossip", "--without-mingle",
)  # fmt: skip


@contextmanager
def extra_workers(*, count: int, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """So many workers in the service's environment for as long as the block lasts; their output goes to `log`."""
    with log.open("ab") as output:
        nursery = subprocess.Popen(  # noqa: S603 (our own code)
            (*NURSERY, str(count), *WORKER),
            env=dict(environment), cwd=PROJECT, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield
        finally:
            nursery.terminate()
            try:
                nursery.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                nursery.kill()


def is_engine_worker(pid: int) -> bool:
    """Whether this process is a worker that speaks to engines: nobody else may be killed."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"worker" in words and b"--queues=engines" in words
