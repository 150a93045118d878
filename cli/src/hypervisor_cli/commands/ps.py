"""hv ps: what runs and waits."""

from itertools import islice
from typing import Any

import click
from rich.text import Text

from hypervisor_cli import names
from hypervisor_cli.live import watch
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.tables import Column, lines
from hypervisor_cli.words import PRIORITIES, number, since, status, why
from hypervisor_client import STATUSES, Client, Deployment

LIVE = STATUSES[:4]
COLUMNS = (
    Column("ID", right=True), Column("NAME", least=16), Column("STATUS"), Column("PRIO"), Column("GPU", right=True),
    Column("CPU", right=True, optional=2), Column("RAM GB", right=True, optional=1),
    Column("CLUSTER", least=8), Column("SINCE", right=True), Column("WHY", least=16),
)  # fmt: skip


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Also what has ended.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    metavar="STATUS",
    help="Such as pending or failed; may be repeated.",
)
@click.option("--cluster", help="Id or name.")
@click.option("--name", help="Part of the name.")
@click.option("--mine", is_flag=True, help="Only what you submitted.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=200, show_default=True, help="The newest so many."
)
@click.option("-w", "--watch", "watching", is_flag=True, help="Go on showing it as it changes; Ctrl-C ends.")
@json_option
@pass_session
def ps(session: Session, /, watching: bool, **given: Any) -> None:
    """What runs and waits, newest first.

    SINCE counts from the start or the end; of what waits from when it was queued: who made room keeps that place.
    """
    client = session.client
    if watching and session.as_json:
        raise click.UsageError("--watch shows a table: it takes no --json.")
    asked = _asked(client, given)
    if watching:
        cluster_id = asked["cluster_id"]
        watch(session, lambda: _table(client, asked, given["limit"], session.width), cluster_id=cluster_id)
        return
    found = _found(client, asked, given["limit"])
    if session.as_json:
        session.show_json([one.raw for one in found])
        return
    if not found:
        session.say(_nothing(given))
        return
    session.table(COLUMNS, _rows(client, found))
    if len(found) == given["limit"]:
        session.note(f"These are the newest {len(found)}. More with --limit.")


def _nothing(given: dict[str, Any]) -> str:
    filters = [name for name in ("statuses", "cluster", "name", "mine") if given[name]]
    options = " ".join(f"--{'status' if name == 'statuses' else name}" for name in filters)
    if given["everything"] or given["statuses"]:
        return f"Nothing matches {options}." if filters else "There is nothing."
    told = f"Nothing that runs or waits matches {options}." if filters else "Nothing runs and nothing waits."
    return f"{told} What has ended: hv ps --all"


def _asked(client: Client, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": given["statuses"] or (() if given["everything"] else LIVE),
        "cluster_id": names.cluster(client, given["cluster"]).id if given["cluster"] else None,
        "name": given["name"],
        "created_by": client.me()["username"] if given["mine"] else None,
    }


def _found(client: Client, asked: dict[str, Any], limit: int) -> list[Deployment]:
    return list(islice(client.deployments.list(**asked, page=min(limit, 500)), limit))


def _rows(client: Client, found: list[Deployment]) -> list[tuple[str | Text, ...]]:
    clusters = {one.id: one.name for one in client.clusters.list()}
    return [
        (
            str(one.id), one.name, status(one.status), PRIORITIES.get(one.priority, ""), number(one.required_gpu),
            number(one.required_cpu), number(one.required_ram), clusters.get(one.cluster_id, f"#{one.cluster_id}"),
            since(one), why(one),
        )
        for one in found
    ]  # fmt: skip


def _table(client: Client, asked: dict[str, Any], limit: int, width: int) -> list[Text]:
    return lines(COLUMNS, _rows(client, _found(client, asked, limit)), width)
