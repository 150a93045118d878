"""hv why: an explanation, as prose."""

from typing import Any

import click

from hypervisor_cli import names
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.words import PRIORITIES, clock, needs
from hypervisor_client import Explanation
from hypervisor_client.answers import moment

OPTIONS = {
    "required_gpu": "--gpu",
    "required_cpu": "--cpu",
    "required_ram": "--ram",
    "cluster_id": "--cluster",
}


@click.command()
@click.argument("id")
@json_option
@pass_session
def why(session: Session, id: str) -> None:
    """Why a deployment waits, and what would help.

    Who holds what it lacks, which changes would let it start, and when it likely starts without.
    """
    client = session.client
    found = names.deployment(client, id)
    told = client.deployments.explain(found.id)
    if session.as_json:
        session.show_json(told.raw)
        return
    session.say(f"{found.name} (#{found.id}): {told.summary}")
    if told.status != "pending":
        return
    session.say(_place(told, client.clusters.get(told.cluster_id).name))
    if told.waits_for:
        session.say("\nIt waits for")
        for one in told.waits_for:
            session.say(f"  {one['name']} (#{one['deployment_id']}), which is {one['status']}")
    if told.holders:
        session.say("\nWho holds what it lacks")
        for one in told.holders:
            session.say(f"  {_holder(one)}")
    session.say("\nWhat would let it start")
    for one in told.suggestions:
        session.say(f"  • {one['text']}")
        if one.get("change"):
            session.say(f"    hv change {found.id} {_options(one['change'])}")
    if not told.suggestions:
        session.say("  Nothing that was found: no single change of it, and no end of one run.")
    session.say(f"\n{_when(told)}")


def _place(told: Explanation, cluster: str) -> str:
    by = f"under the policy {told.policy}"
    if told.queue_position is None:
        return f"It waits on {cluster}, {by}."
    return f"It is number {told.queue_position} of {told.queue_length} in the queue of {cluster}, {by}."


def _holder(one: dict[str, Any]) -> str:
    who = f"{one['name']} (#{one['deployment_id']})" if one["deployment_id"] else "another organization's"
    how = (
        "will hold"
        if one.get("promised")
        else "is stopping, and still holds"
        if one.get("stopping")
        else "holds"
    )
    return f"{who}, {PRIORITIES.get(one['priority'], one['priority'])}, {how} {needs(one)}"


def _options(change: dict[str, Any]) -> str:
    return " ".join(
        f"--priority {PRIORITIES[value].lower()}"
        if name == "priority"
        else f"{OPTIONS.get(name, name)} {value:g}"
        for name, value in change.items()
    )


def _when(told: Explanation) -> str:
    start = told.start or {}
    if not start.get("likely"):
        return f"Nobody can say when it starts. {start.get('text', '')}".rstrip()
    between = [clock(moment(start[name])) for name in ("earliest", "latest") if start.get(name)]
    about = f" (between {between[0]} and {between[1]})" if len(between) == 2 else ""
    return f"It likely starts at {clock(moment(start['likely']))}{about}. {start.get('text', '')}".rstrip()
