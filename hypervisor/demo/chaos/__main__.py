"""`python -m hypervisor.demo.chaos`: nothing accepted may be lost, and the books must balance at the end."""

import secrets
import sys
import threading
import time

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hypervisor.demo.chaos.kills import Kill, kill_each, run_one_on
from hypervisor.demo.chaos.service import NotServing, Service, own_service
from hypervisor.demo.measures import FINAL, names_twice
from hypervisor.demo.play import build, play
from hypervisor.demo.progress import Progress
from hypervisor.demo.screen import line
from hypervisor.demo.service import GivenUp, Refused, Session
from hypervisor.demo.trace import SITES, Site, compress, load

JOBS, ARRIVE_SECONDS, TIMEOUT_SECONDS = 240, 85.0, 220.0
UNBOUND_WIDTH = 120
ASIDE = Site("aside", 1)
"""A cluster of its own for the one deployment after each kill, which must not wait for the workload."""


class Workload(threading.Thread):
    """The demo's jobs, in a thread, so that somebody can kill meanwhile."""

    def __init__(self, service: Service, console: Console) -> None:
        super().__init__(daemon=True)
        self.session = Session(
            service.url, trouble=lambda text: console.print(Text(f"  demo: {text}", style="dim"))
        )
        self.session.sign_up(username=f"chaos-{secrets.token_hex(3)}", password=secrets.token_urlsafe(12))
        self.organization_id, self.cluster_ids = build(self.session, organization="chaos", sites=SITES)
        self.tasks = compress(load()[:JOBS], seconds=ARRIVE_SECONDS)
        self.progress = Progress(jobs=JOBS)
        self.problem: str | None = None

    def run(self) -> None:
        try:
            play(
                self.session, self.tasks, organization_id=self.organization_id, cluster_ids=self.cluster_ids,
                timeout=TIMEOUT_SECONDS, progress=self.progress, show=lambda progress: None,
            )  # fmt: skip
        except (GivenUp, Refused) as error:
            self.problem = str(error)


def main() -> int:
    """The exit code: 0 if nothing was lost and everything balances."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUND_WIDTH)
    began = time.monotonic()
    try:
        with own_service() as service:
            console.print(
                f"A service of its own serves {service.url} after {time.monotonic() - began:.0f} s."
            )
            good = _bad_day(service, console)
            if not good:
                raise NotServing(f"The folder stays to be looked at: {service.folder}")
    except (NotServing, GivenUp, Refused) as error:
        console.print(Text(f"✗ {error}", style="red"))
        return 1
    console.print(f"[green]✓[/] Nothing accepted was lost; {time.monotonic() - began:.0f} s in all.")
    return 0


def _bad_day(service: Service, console: Console) -> bool:
    workload = Workload(service, console)
    workload.start()
    watcher = Session(service.url)
    watcher.share(workload.session)
    aside: dict[str, int] = {}
    organization_id, cluster_ids = build(watcher, organization="aside", sites=(ASIDE,))
    run_one = run_one_on(watcher, organization_id=organization_id, cluster_id=cluster_ids[0], accepted=aside)
    kills = []
    for kill in kill_each(service, run_one):
        kills.append(kill)
        console.print(
            f"kill -9 {kill.pid:>6}  {kill.name:<28} ready after {kill.ready:4.1f} s, works after {kill.works:4.1f} s"
        )
        console.print(Text(f"  {line(workload.progress)}", style="dim"), soft_wrap=True)
    workload.join(TIMEOUT_SECONDS)
    return _judge(service, workload, watcher, aside, kills, console)


def _judge(
    service: Service,
    workload: Workload,
    watcher: Session,
    aside: dict[str, int],
    kills: list[Kill],
    console: Console,
) -> bool:
    accepted = workload.progress.accepted | aside
    rows = {row["id"]: row for row in watcher.rows("/deployments")}
    lost = [name for name, id_ in accepted.items() if id_ not in rows]
    unended = [row["name"] for row in rows.values() if row["status"] not in FINAL]
    books = service.manage("check_books")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading, justify in (
        ("killed with -9", "left"),
        ("/readyz again", "right"),
        ("works again", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for kill in kills:
        table.add_row(kill.name, f"{kill.ready:.1f} s", f"{kill.works:.1f} s")
    console.print(table)
    facts = {
        "accepted": len(accepted),
        "ended": len(rows) - len(unended),
        "completed": sum(row["status"] == "completed" for row in rows.values()),
        "lost": len(lost),
        "submitted twice": len(names_twice(rows.values())),
        "requests repeated": workload.session.retries + watcher.retries,
        "preemptions": sum(row["preemption_count"] for row in rows.values()),
        "books against runs": books.stdout.strip().splitlines()[-1]
        if books.stdout.strip()
        else books.stderr[-500:],
    }
    for label, fact in facts.items():
        console.print(f" {label:<20}{fact}")
    if workload.problem:
        console.print(Text(workload.problem, style="red"))
    enough = len(accepted) == JOBS + len(kills)
    return (
        not (lost or unended or names_twice(rows.values()) or workload.problem or books.returncode) and enough
    )


if __name__ == "__main__":
    sys.exit(main())
