"""hv cluster: what there is to run on."""

import json
from typing import Any

import click

from hypervisor_cli import names
from hypervisor_cli.options import AMOUNT, options_named
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.tables import Column
from hypervisor_cli.words import needs, number, status
from hypervisor_client import Cluster

RESOURCES = (("gpu", "GPU"), ("cpu", "CPU"), ("ram", "RAM GB"))
TOTALS = {f"total_{name}": f"--{name}" for name, _ in RESOURCES}
PRESETS = ("two_phase", "least_waste", "balanced")


@click.group()
def cluster() -> None:
    """Clusters: list, show, create, pause, resume, policy."""


@cluster.command("list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """Clusters that you can use, and what is free."""
    found = list(session.client.clusters.list())
    if session.as_json:
        session.show_json([one.raw for one in found])
        return
    if not found:
        session.say("You can use no cluster yet. Next: hv cluster create NAME --gpu 8 --cpu 64 --ram 256")
        return
    free = tuple(Column(f"FREE {title}", right=True) for _, title in RESOURCES)
    columns = (Column("ID", right=True), Column("NAME", least=10), Column("STATE"), *free)
    session.table(
        (*columns, Column("RUNTIME", optional=1)),
        [(str(one.id), one.name, status(_state(one)), *_free(one), one.runtime) for one in found],
    )


@cluster.command()
@click.argument("cluster")
@json_option
@pass_session
def show(session: Session, cluster: str) -> None:
    """One cluster."""
    client = session.client
    found = names.cluster(client, cluster)
    if session.as_json:
        session.show_json(found.raw)
        return
    session.say(f"{found.name} (#{found.id})  {_state(found)}")
    session.say(f"  runtime  {found.runtime}")
    session.say(f"  policy   {client.clusters.policy(found.id)['name']}")
    for name, title in RESOURCES:
        total, free = found.raw[f"total_{name}"], found.raw[f"available_{name}"]
        session.say(f"  {title:<7}  {number(free)} of {number(total)} free")
    if found.engine_problem:
        session.say(f"  engine   {found.engine_problem}")


@cluster.command()
@click.argument("name")
@click.option("--org", help="Whose it is: id or name. Default: your only organization.")
@click.option("--gpu", type=AMOUNT, help="Devices.")
@click.option("--cpu", type=AMOUNT, help="Cores.")
@click.option("--ram", type=AMOUNT, help="GB.")
@click.option(
    "--runtime",
    type=click.Choice(["simulated", "docker", "kubernetes"]),
    default="simulated",
    show_default=True,
)
@click.option("--connection", help="JSON, as docs/engines.md tells; not for a simulated one.")
@json_option
@pass_session
def create(
    session: Session,
    name: str,
    org: str | None,
    gpu: float | None,
    cpu: float | None,
    ram: float | None,
    runtime: str,
    connection: str | None,
) -> None:
    """A new cluster."""
    told = _json_object(connection) if connection else None
    client = session.client
    owner = names.organization(client, org)
    with options_named(name="NAME", connection="--connection", runtime="--runtime", **TOTALS):
        made = client.clusters.create(
            name, owner.id, gpu=gpu, cpu=cpu, ram=ram, runtime=runtime, connection=told
        )
    if session.as_json:
        session.show_json(made.raw)
        return
    sizes = needs(made.raw, of="total")
    session.say(f"Created cluster {made.name} (#{made.id}) of {owner.name}: {sizes}.")


@cluster.command()
@click.argument("cluster")
@json_option
@pass_session
def pause(session: Session, cluster: str) -> None:
    """Nothing starts there any more; what runs goes on."""
    client = session.client
    changed = client.clusters.pause(names.cluster(client, cluster).id)
    _told(session, changed, f"{changed.name} is paused: nothing starts there, what runs goes on.")


@cluster.command()
@click.argument("cluster")
@json_option
@pass_session
def resume(session: Session, cluster: str) -> None:
    """End a pause."""
    client = session.client
    changed = client.clusters.resume(names.cluster(client, cluster).id)
    _told(session, changed, f"{changed.name} is {_state(changed)}.")


@cluster.command()
@click.argument("cluster")
@click.argument("preset", required=False, type=click.Choice(PRESETS))
@json_option
@pass_session
def policy(session: Session, cluster: str, preset: str | None) -> None:
    """Show the scheduling policy of a CLUSTER, or give it another PRESET."""
    client = session.client
    found = names.cluster(client, cluster)
    told = client.clusters.set_policy(found.id, preset=preset) if preset else client.clusters.policy(found.id)
    if session.as_json:
        session.show_json(told)
        return
    session.say(f"{found.name} is scheduled by {told['name']}.")
    width = max(map(len, told["effective"]))
    for name, value in told["effective"].items():
        session.say(f"  {name:<{width}}  {_setting(value)}")


def _state(one: Cluster) -> str:
    return "paused" if one.paused else one.state


def _free(one: Cluster) -> tuple[str, ...]:
    return tuple(
        f"{number(one.raw[f'available_{name}'])} of {number(one.raw[f'total_{name}'])}"
        for name, _ in RESOURCES
    )


def _setting(value: Any) -> str:
    if value is None or value == {}:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(
            f"{key}: {', '.join(map(str, one)) if isinstance(one, list) else one}"
            for key, one in value.items()
        )
    return str(value)


def _json_object(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
        # json reads NaN and Infinity, which are none.
        json.dumps(told, allow_nan=False)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint="--connection") from error
    if not isinstance(told, dict):
        raise click.BadParameter('must be an object, such as {"host": "…"}', param_hint="--connection")
    return told


def _told(session: Session, changed: Cluster, text: str) -> None:
    if session.as_json:
        session.show_json(changed.raw)
    else:
        session.say(text)
