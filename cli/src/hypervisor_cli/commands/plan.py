"""hv plan: what a scheduling cycle would do now."""

from typing import Any

import click

from hypervisor_cli import names
from hypervisor_cli.options import AMOUNT, options_named
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.words import PRIORITIES, REASONS, needs, plural
from hypervisor_client import Client, Supposed

MOST_TOLD = 20


@click.command()
@click.argument("cluster")
@click.option("--gpu", type=AMOUNT, help="Suppose one more that asks for so many devices,")
@click.option("--cpu", type=AMOUNT, help="so many cores,")
@click.option("--ram", type=AMOUNT, help="so many GB,")
@click.option(
    "--priority", type=click.Choice(["low", "medium", "high"], case_sensitive=False), help="so urgently."
)
@json_option
@pass_session
def plan(session: Session, /, cluster: str, **given: Any) -> None:
    """What the scheduler would do on CLUSTER now.

    With --gpu, --cpu, --ram or --priority: if one more were submitted. Nothing is changed.
    """
    client = session.client
    found = names.cluster(client, cluster)
    with options_named():
        told = client.clusters.plan(found.id, _supposed(given))
    if session.as_json:
        session.show_json(told.raw)
        return
    supposed = ", with the one you suppose" if any(value is not None for value in given.values()) else ""
    session.say(
        f"{found.name} (#{found.id}), {told.policy}: {plural(told.pending, 'waits', 'wait')}{supposed}."
    )
    named = _names(client, found.id)
    waits = [one for one in told.reasons if one["deployment"] not in told.seats]
    lines = [f"starts   {_one(one, named)}" for one in told.starts]
    lines += [
        f"seat     {_one(one, named)}: it starts when those who make room have gone" for one in told.seats
    ]
    lines += [
        f"evicted  {_one(one['victim'], named)}, for {_one(one['preemptor'], named)}"
        for one in told.evictions
    ]
    lines += [
        f"waits    {_one(one['deployment'], named)}: {_reason(one['reason'])}" for one in waits[:MOST_TOLD]
    ]
    if len(waits) > MOST_TOLD:
        lines.append(f"…        and {len(waits) - MOST_TOLD} more wait")
    for line in lines or ["Nothing would happen."]:
        session.say(f"  {line}", hang=11)


def _supposed(given: dict[str, Any]) -> list[Supposed]:
    if not any(value is not None for value in given.values()):
        return []
    one: Supposed = {
        "name": "the one you suppose",
        "required_gpu": given["gpu"] or 0,
        "required_cpu": given["cpu"] if given["cpu"] is not None else 1,
        "required_ram": given["ram"] if given["ram"] is not None else 1,
        "priority": (given["priority"] or "medium").upper(),
    }
    return [one]


def _names(client: Client, cluster_id: int) -> dict[int, str]:
    live = ("pending", "starting", "running", "stopping")
    return {one.id: one.name for one in client.deployments.list(status=live, cluster_id=cluster_id)}


def _one(told: dict[str, Any], named: dict[int, str]) -> str:
    id_ = told["deployment_id"]
    who = f"{named.get(id_, 'deployment')} (#{id_})" if id_ else told.get("name") or "another organization's"
    return f"{who} [{PRIORITIES.get(told['priority'], told['priority'])}, {needs(told)}]"


def _reason(reason: str | None) -> str:
    return REASONS.get(reason, reason.replace("_", " ")) if reason else "for something of its own"
