"""`python -m hypervisor.bench.followers`: many people follow one log, while somebody times /healthz.

Against a running service (`--address`), with a user, an organization and a simulated cluster of its own. `--logs` is
how many different logs they follow; `--seconds` how long. The run writes a line only now and then, so what is
measured is what it costs to hold the followers, and that each of them gets every line.
"""

import argparse
import asyncio
import secrets
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_SECONDS = 60.0
BETWEEN_SECONDS = 0.01


@dataclass(slots=True)
class Seen:
    """What the followers got, and how long each call of /healthz took (milliseconds)."""

    statuses: list[int] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    arriving: list[float] = field(default_factory=list)
    among: list[float] = field(default_factory=list)


async def sign_up(client: httpx.AsyncClient) -> int:
    """A new user with a cluster; answers its id."""
    name, password = f"follower-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    await call(client, "/register", username=name, password=password)
    token = await client.post("/token", data={"username": name, "password": password})
    client.headers["Authorization"] = f"Bearer {token.raise_for_status().json()['access_token']}"
    organization = await call(client, "/organizations", name=name)
    size = {"total_ram": 64, "total_cpu": 64, "total_gpu": 64}
    cluster = await call(client, "/clusters", name="box", organization_id=organization["id"], **size)
    return int(cluster["id"])


async def call(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """A POST that must succeed."""
    return (await client.post(path, json=body)).raise_for_status().json()


async def run_one(client: httpx.AsyncClient, cluster: int, seconds: float) -> int:
    """A deployment that runs; answers its id."""
    body = {"name": "talker", "cluster_id": cluster, "docker_image": "busybox", "simulated_seconds": seconds}
    made = await call(client, "/deployments", required_ram=1, required_cpu=1, **body)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (await client.get(f"/deployments/{made['id']}")).json()["status"] != "running":
        if time.monotonic() > deadline:
            raise TimeoutError("the deployment does not run")
        await asyncio.sleep(0.1)
    return int(made["id"])


async def follow(client: httpx.AsyncClient, deployment: int, seen: Seen) -> None:
    """Until the run ends."""
    began, lines = time.perf_counter(), 0
    async with client.stream("GET", f"/deployments/{deployment}/logs", params={"follow": "true"}) as answer:
        seen.statuses.append(answer.status_code)
        async for piece in answer.aiter_raw():
            if not lines:
                seen.first_bytes.append((time.perf_counter() - began) * 1000)
            lines += piece.count(b"\n")
    seen.lines.append(lines)


async def time_healthz(client: httpx.AsyncClient, times: list[float], until: float) -> None:
    """One call after the other until this moment."""
    while time.monotonic() < until:
        began = time.perf_counter()
        (await client.get("/healthz")).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(BETWEEN_SECONDS)


async def measure(*, address: str, followers: int, logs: int, seconds: float) -> Seen:
    """Alone first, then among the followers."""
    seen = Seen()
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS + seconds, limits=limits) as client,
        httpx.AsyncClient(base_url=address, timeout=10.0) as prober,
    ):
        cluster = await sign_up(client)
        await time_healthz(prober, seen.alone, time.monotonic() + min(5.0, seconds))
        ids = [await run_one(client, cluster, seconds + 10) for _ in range(logs)]
        tasks = [asyncio.create_task(follow(client, ids[n % logs], seen)) for n in range(followers)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(seen.first_bytes) < followers and time.monotonic() < deadline:
            await time_healthz(prober, seen.arriving, time.monotonic() + BETWEEN_SECONDS)
        await time_healthz(prober, seen.among, time.monotonic() + seconds - 2)
        await asyncio.gather(*tasks)
    return seen


def told(name: str, times: list[float]) -> str:
    """A line with the median, the 99th percentile and the longest."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    middle = statistics.median(ordered)
    return (
        f"{name:<34} p50 {middle:7.1f} ms   p99 {p99:7.1f} ms   max {ordered[-1]:7.1f} ms   of {len(ordered)}"
    )


def main() -> int:
    """0 if every follower was served to the end and 99 of 100 calls of /healthz took less than 50 ms."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--followers", type=int, default=200)
    parser.add_argument("--logs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    seen = asyncio.run(
        measure(address=given.address, followers=given.followers, logs=given.logs, seconds=given.seconds)
    )
    everybody = len(seen.lines) == given.followers and set(seen.statuses) == {200}
    out = sys.stdout.write
    out(
        f"{given.followers} followers of {given.logs} logs; lines each: {min(seen.lines)}–{max(seen.lines)}\n"
    )
    out(f"{told('/healthz alone', seen.alone)}\n")
    out(f"{told('/healthz while they come', seen.arriving)}\n")
    out(f"{told(f'/healthz among {given.followers} followers', seen.among)}\n")
    out(f"{told('first line of a follower', seen.first_bytes)}\n")
    return 0 if everybody and sorted(seen.among)[int(len(seen.among) * 0.99)] < 50 else 1


if __name__ == "__main__":
    sys.exit(main())
