"""`python -m hypervisor.bench.watch`: many watch events while the demo's jobs run, on a service of its own.

What is measured: memory and processor time of the stream process, and the milliseconds from when an event was put on
the Redis stream, right after its commit (the id of its message holds that moment), until a client on this machine had
read it. All clients read; the delay is taken from some of them, since to read a message costs more than to send it.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table

from hypervisor.demo.chaos.service import NotServing, Service, own_service

TIMED = 50
"""Clients whose messages are timed."""
CONNECT_AT_ONCE = 50
PATIENCE_SECONDS = 60.0


class Client(asyncio.Protocol):
    """One that watches: counts messages, and times them if `delays` is given."""

    def __init__(self, request: bytes, delays: list[float] | None) -> None:
        self._request, self._delays = request, delays
        self.ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.events = self.size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.time() * 1000
        self.size += len(data)
        if not self.ready.done() and b": ready" in data:
            self.ready.set_result(True)
        self.events += data.count(b"event: deployment") + data.count(b"event: cluster")
        if self._delays is not None:
            ids = [line[4:] for line in data.split(b"\n") if line.startswith(b"id: ") and b"." in line]
            self._delays += [now - int(id_.split(b"-")[0]) for id_ in ids]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_result(False)


@dataclass(frozen=True, slots=True)
class Used:
    """Of the stream process: MiB, and seconds of processor time until now."""

    mib: float
    cpu: float


def used(service: Service) -> Used:
    """Of the server's main process and its worker together."""
    leader = service.find("hypervisor.stream")
    if leader is None:
        raise NotServing("There is no stream process.")
    pids = [leader.pid, *(found.pid for found in service.children() if found.parent == leader.pid)]
    mib = cpu = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        mib += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
    return Used(mib, cpu)


def signed_in(url: str, password: str) -> str:
    """The cookie of an operator's session in the console, who sees the events of all tenants."""
    with httpx.Client(base_url=url, follow_redirects=False) as client:
        client.get("/admin/login/").raise_for_status()
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post("/admin/login/", data=form)
        return f"sessionid={client.cookies['sessionid']}"


async def connect(url: str, cookie: str, count: int, delays: list[float]) -> list[Client]:
    """So many clients that are ready."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    request = f"GET /events HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
    clients: list[Client] = []
    loop = asyncio.get_running_loop()
    while len(clients) < count:
        batch = []
        for number in range(len(clients), min(count, len(clients) + CONNECT_AT_ONCE)):
            timed = delays if number % max(1, count // TIMED) == 0 else None
            client = Client(request, timed)
            await loop.create_connection(lambda one=client: one, host, port)  # type: ignore[misc]
            batch.append(client)
        async with asyncio.timeout(PATIENCE_SECONDS):
            if not all([await client.ready for client in batch]):
                raise NotServing(f"A client was refused; {len(clients)} were served.")
        clients += batch
    return clients


async def measure(
    service: Service, console: Console, *, cookie: str, count: int, jobs: int, seconds: int
) -> int:
    """Prints the figures; 0 if every client got every event."""
    delays: list[float] = []
    before = used(service)
    clients = await connect(service.url, cookie, count, delays)
    connected, began = used(service), time.monotonic()
    demo = (
        "demo",
        "--url",
        service.url,
        f"--jobs={jobs}",
        f"--seconds={seconds}",
        f"--timeout={seconds + 60}",
    )
    await asyncio.to_thread(service.manage, *demo)
    await asyncio.sleep(1)
    after, took = used(service), time.monotonic() - began
    events = [client.events for client in clients]
    delays.sort()

    table = Table(title=f"{count} clients watch {events[0]} events in {took:.0f} s", title_justify="left")
    for name in ("", "figure"):
        table.add_column(name, justify="right" if name else "left")
    told = {
        "memory before, MiB": f"{before.mib:.0f}",
        "memory with all connected, MiB": f"{connected.mib:.0f}",
        "memory after, MiB": f"{after.mib:.0f}",
        "memory each, KiB": f"{(after.mib - before.mib) * 1024 / count:.0f}",
        "messages sent": f"{sum(events)}",
        "processor, % of a core": f"{(after.cpu - connected.cpu) / took * 100:.0f}",
        "processor per message, µs": f"{(after.cpu - connected.cpu) / max(1, sum(events)) * 1e6:.0f}",
        "delay p50, ms": f"{delays[len(delays) // 2]:.0f}" if delays else "–",
        "delay p99, ms": f"{delays[int(len(delays) * 0.99)]:.0f}" if delays else "–",
        "load of the machine": f"{os.getloadavg()[0]:.1f}",
    }
    for row in told.items():
        table.add_row(*row)
    console.print(table)
    return 0 if events[0] and len(set(events)) == 1 else 1


def main() -> int:
    """0 if every client got every event."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    console, password = Console(width=118, highlight=False), secrets.token_urlsafe(16)
    with own_service(DJANGO_SUPERUSER_USERNAME="admin", DJANGO_SUPERUSER_PASSWORD=password) as service:
        cookie = signed_in(service.url, password)
        work = measure(
            service, console, cookie=cookie, count=given.clients, jobs=given.jobs, seconds=given.seconds
        )
        return asyncio.run(work)


if __name__ == "__main__":
    sys.exit(main())
