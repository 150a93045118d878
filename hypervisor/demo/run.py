"""The demo from its first request to its last word."""

import json
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from hypervisor.demo.measures import FINAL, names_twice, waited
from hypervisor.demo.play import build, first_starts, play
from hypervisor.demo.progress import Progress
from hypervisor.demo.screen import Screen, summary
from hypervisor.demo.service import GivenUp, Refused, Session
from hypervisor.demo.trace import SITES, compress, load


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: how long jobs arrive. `timeout`: seconds after which it ends unfinished."""

    url: str
    jobs: int = 300
    seconds: float = 60.0
    timeout: float = 420.0


def find_url(*, data_dir: str, port: int) -> str:
    """Where the service of this data folder says that it listens, else this machine's PORT."""
    try:
        address = json.loads((Path(data_dir) / "lock").read_text())["address"] if data_dir else None
    except (OSError, ValueError, KeyError, TypeError):
        address = None
    if address and _answers(str(address)):
        return str(address)
    return f"http://127.0.0.1:{port}"


def run_demo(options: Options, console: Console) -> int:
    """The exit code: 0 when every job ended, once each. Ctrl-C shows what there is so far."""
    if not _answers(options.url):
        console.print(
            Text(
                f"Nothing answers at {options.url}/healthz. Start the service with  make run  or name it:  --url URL"
            )
        )
        return 1
    # The picture is what one came to see, not a line of log for each of its requests.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    screen = Screen(console)
    session = Session(options.url, trouble=screen.trouble)
    tasks = compress(load()[: options.jobs], seconds=options.seconds)
    suffix = secrets.token_hex(3)
    username, password = f"demo-{suffix}", secrets.token_urlsafe(12)
    progress = Progress(jobs=len(tasks))
    code = 1
    try:
        session.sign_up(username=username, password=password)
        organization_id, cluster_ids = build(session, organization=f"demo {suffix}", sites=SITES)
        console.print(
            f"[bold]{len(tasks)} jobs[/] of the Philly trace arrive at [bold]{options.url}[/] within "
            f"{options.seconds:g} s, on {len(SITES)} clusters with {sum(site.gpus for site in SITES)} GPUs.",
            highlight=False,
        )
        with screen.opened():
            play(
                session, tasks, organization_id=organization_id, cluster_ids=cluster_ids,
                timeout=options.timeout, progress=progress, show=screen.show,
            )  # fmt: skip
        code = _conclude(session, progress, options, console)
    except KeyboardInterrupt:
        console.print("Stopped; what was submitted goes on without us.")
        code = 130
        if progress.rows:
            _conclude(session, progress, options, console)
    except (GivenUp, Refused) as error:
        console.print(Text(str(error), style="red"))
    finally:
        session.close()
    if progress.rows:
        _say_where(console, options.url, username, password)
    return code


def _conclude(session: Session, progress: Progress, options: Options, console: Console) -> int:
    starts = first_starts(session, progress.rows)
    ended = {row["id"]: row["ended_at"] for row in progress.rows}
    waits = {row["id"]: waited(row, starts[row["id"]], ended) for row in progress.rows}
    console.print()
    console.print(summary(progress, waits))
    present = {row["id"] for row in progress.rows}
    lost = [name for name, id_ in progress.accepted.items() if id_ not in present]
    complaints = {
        "accepted, and not there any more": lost,
        "submitted twice": names_twice(progress.rows),
        f"not ended after {options.timeout:g} s": [
            row["name"] for row in progress.rows if row["status"] not in FINAL
        ],
    }
    for complaint, names in complaints.items():
        if names:
            console.print(Text(f"{len(names)} {complaint}: {', '.join(names[:10])}", style="red"))
    if session.retries:
        console.print(
            Text(f"{session.retries} requests were repeated while the service was away.", style="yellow")
        )
    return int(any(complaints.values()) or len(progress.accepted) < progress.jobs)


def _say_where(console: Console, url: str, username: str, password: str) -> None:
    grid = [
        ("Console", f"{url}/admin/deployments/deployment/   sign in as the admin that  make run  printed"),
        ("API", f"{url}/docs   sign in as {username}, password {password}"),
    ]
    console.print("\n[bold]Look at it[/]")
    for label, text in grid:
        console.print(Text.assemble("  ", (f"{label:<9}", "dim"), text), soft_wrap=True)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=3.0).status_code == 200
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol):
        return False
