"""hv top: how full the clusters are."""

import click
from rich.text import Text

from hypervisor_cli.live import watch
from hypervisor_cli.session import UNLIMITED, Session, json_option, pass_session
from hypervisor_cli.tables import Column, lines
from hypervisor_cli.words import number, status
from hypervisor_client import Client, Cluster

FULL, EMPTY = "█", "░"
PARTS = " ▏▎▍▌▋▊▉"
RESOURCES = (("gpu", "GPU"), ("cpu", "CPU"), ("ram", "RAM GB"))
NARROWEST, WIDEST, WITHOUT_TERMINAL = 6, 20, 10


@click.command()
@click.option("-w", "--watch", "watching", is_flag=True, help="Go on showing it as it changes; Ctrl-C ends.")
@json_option
@pass_session
def top(session: Session, watching: bool) -> None:
    """How much of each cluster is taken."""
    client = session.client
    if watching and session.as_json:
        raise click.UsageError("--watch shows bars: it takes no --json.")
    if watching:
        watch(session, lambda: _bars(client, list(client.clusters.list()), session.width))
        return
    found = list(client.clusters.list())
    if session.as_json:
        session.show_json([one.raw for one in found])
        return
    if not found:
        session.say("You can use no cluster yet. Next: hv cluster create NAME --gpu 8 --cpu 64 --ram 256")
        return
    for line in _bars(client, found, session.width):
        session.out.print(line, soft_wrap=True)


def bar(taken: float, total: float, width: int) -> Text:
    """As long as what is taken, to an eighth of a cell; red where more is taken than there is."""
    share = taken / total if total else 0.0
    eighths = round(min(1.0, share) * width * 8)
    whole, rest = divmod(eighths, 8)
    style = "red" if share > 1 else "yellow" if share >= 0.9 else "green"
    drawn = FULL * whole + (PARTS[rest] if rest else "")
    return Text.assemble((drawn, style), (EMPTY * (width - len(drawn)), "dim"))


def _bars(client: Client, found: list[Cluster], width: int) -> list[Text]:
    columns = [Column("CLUSTER", least=8), Column("STATE")]
    amounts = {
        (one.id, name): f"{number(one.raw[f'allocated_{name}'])}/{number(one.raw[f'total_{name}'])}"
        for one in found
        for name, _ in RESOURCES
    }
    taken = sum(max([len(amounts[one.id, name]) for one in found] or [0]) + 1 for name, _ in RESOURCES)
    longest = max([len(one.name) for one in found] or [0])
    states = max([len(_state(one)) for one in found] or [0])
    room = width - min(longest, 24) - max(states, 5) - 4 * 2 - taken
    size = WITHOUT_TERMINAL if width >= UNLIMITED else max(NARROWEST, min(WIDEST, room // len(RESOURCES)))
    columns += [Column(title) for _, title in RESOURCES]
    rows: list[list[str | Text]] = [
        [
            one.name,
            status(_state(one)),
            *(
                Text.assemble(
                    bar(one.raw[f"allocated_{name}"], one.raw[f"total_{name}"], size),
                    f" {amounts[one.id, name]}",
                )
                for name, _ in RESOURCES
            ),
        ]
        for one in found
    ]
    return lines(columns, rows, width)


def _state(one: Cluster) -> str:
    return "paused" if one.paused else one.state
