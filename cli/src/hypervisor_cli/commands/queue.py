"""hv queue: who waits, in order."""

import click

from hypervisor_cli import names
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.tables import Column
from hypervisor_cli.words import PRIORITIES, number, plural, since, why

COLUMNS = (
    Column("#", right=True), Column("ID", right=True), Column("NAME", least=12), Column("PRIO"),
    Column("GPU", right=True), Column("CPU", right=True, optional=2), Column("RAM GB", right=True, optional=1),
    Column("QUEUED", right=True), Column("WHY", least=12),
)  # fmt: skip


@click.command()
@click.option("--cluster", help="Id or name. Default: all that you can use.")
@json_option
@pass_session
def queue(session: Session, cluster: str | None) -> None:
    """Who waits on each cluster, in order.

    By priority and time; a policy with shares may take them in another order. QUEUED is how long ago that was, also
    for who made room for others meanwhile. What other organizations have in the queue is not told.
    """
    client = session.client
    shown = [names.cluster(client, cluster)] if cluster else list(client.clusters.list())
    only = shown[0].id if cluster else None
    pending = sorted(
        client.deployments.list(status=["pending"], cluster_id=only),
        key=lambda one: (-one.priority, one.queued_at, one.id),
    )
    if session.as_json:
        session.show_json([one.raw for one in pending])
        return
    if not pending:
        session.say("Nobody waits.")
        return
    for place in shown:
        waiting = [one for one in pending if one.cluster_id == place.id]
        if not waiting:
            continue
        paused = ", paused" if place.paused else ""
        session.say(f"{place.name} (#{place.id}): {plural(len(waiting), 'waits', 'wait')}{paused}")
        rows = [
            (
                str(position), str(one.id), one.name, PRIORITIES.get(one.priority, ""), number(one.required_gpu),
                number(one.required_cpu), number(one.required_ram), since(one), why(one),
            )
            for position, one in enumerate(waiting, 1)
        ]  # fmt: skip
        session.table(COLUMNS, rows, indent=2)
