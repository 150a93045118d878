"""hv describe: all that is known of one deployment, and its story."""

from typing import Any

import click
from rich.text import Text

from hypervisor_cli import names
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.tables import Column, printable
from hypervisor_cli.words import PRIORITIES, REASONS, clock, needs, number, plural, since, span, status
from hypervisor_client import Client, Deployment, NotFound, StoryEvent

MOST_EVENTS = 40
UNITS = {"gpu": "GPU", "cpu": "CPU", "ram": "GB"}


@click.command()
@click.argument("id")
@json_option
@pass_session
def describe(session: Session, id: str) -> None:
    """All that is known of a deployment, and its story."""
    client = session.client
    found = names.deployment(client, id)
    story = list(client.deployments.story(found.id))
    if session.as_json:
        session.show_json(found.raw | {"events": [one.raw for one in story]})
        return
    pending = found.status == "pending"
    how_long = f", queued {since(found)} ago" if pending else f" for {since(found)}"
    session.say(Text.assemble(f"{printable(found.name)} (#{found.id})  ", status(found.status), how_long))
    for title, value in _facts(client, found):
        session.say(f"  {title:<10} {value}", hang=13)
    if found.reasons:
        session.say("\nWaits because")
        for one in found.reasons:
            session.say(f"  {reason(one)}")
        session.say(f"  More: hv why {found.id}")
    session.say("\nStory")
    if len(story) > MOST_EVENTS:
        session.say(f"  … {plural(len(story) - MOST_EVENTS, 'earlier event')}")
    columns = (Column("AT"), Column("WHO", least=8), Column("WHAT"), Column("", least=10))
    shown = story[:MOST_EVENTS][::-1]
    unit = "GPU-seconds" if found.required_gpu else "core-seconds"
    session.table(
        columns,
        [(clock(one.at), one.actor or one.source, _what(one), detail(one, unit)) for one in shown],
        indent=2,
    )


def reason(told: dict[str, Any]) -> str:
    """One reason for waiting, with what lacks."""
    words = REASONS.get(told["reason"], told["reason"].replace("_", " "))
    short = [
        f"{number(amount)} {UNITS[name]}" for name, amount in (told.get("deficits") or {}).items() if amount
    ]
    return f"{words}: short of {', '.join(reversed(short))}" if short else words


def detail(one: StoryEvent, unit: str) -> str:
    """What else the event tells, in a few words; `unit` of work."""
    data = one.data
    match one.kind:
        case "preempted":
            lost = number(round(data.get("lost_seconds", 0)))
            return f"for {_someone(data.get('preemptor_id'))}, {lost} {unit} lost"
        case "submitted":
            return (
                f"{PRIORITIES.get(data.get('priority', 0), '')} {needs(data)}".strip()
                if "required_ram" in data
                else ""
            )
        case "changed":
            old, new = data.get("old") or {}, data.get("new") or {}
            return ", ".join(f"{name} {old.get(name)} → {value}" for name, value in new.items())
    told = [str(data["detail"])] if data.get("detail") else []
    if data.get("reason"):
        told.insert(0, str(data["reason"]).replace("_", " "))
    if data.get("exit_code") is not None:
        told.append(f"exit code {data['exit_code']}")
    return ", ".join(told)


def _facts(client: Client, found: Deployment) -> list[tuple[str, str]]:
    facts = [
        ("image", found.docker_image),
        ("command", " ".join([*found.command, *found.args])),
        ("cluster", _cluster(client, found.cluster_id)),
        ("needs", needs(found.raw)),
        ("priority", PRIORITIES.get(found.priority, str(found.priority))),
        ("submitted", f"by {found.created_by or 'somebody'} at {clock(found.created_at)}"),
    ]
    if found.dependency_ids:
        waits = client.deployments.dependencies(found.id)
        facts.append(("after", ", ".join(f"{one.name} (#{one.id}, {one.status})" for one in waits)))
    if found.raw.get("env"):
        facts.append(
            (
                "env",
                ", ".join(
                    name if value is None else f"{name}={value}" for name, value in found.raw["env"].items()
                ),
            )
        )
    if found.raw.get("secret_env_names"):
        facts.append(("secrets", ", ".join(found.raw["secret_env_names"])))
    if found.started_at and found.ended_at:
        facts.append(("ran for", span((found.ended_at - found.started_at).total_seconds())))
    if found.exit_code is not None and found.is_final:
        facts.append(("exit code", str(found.exit_code)))
    if found.queue_position is not None:
        facts.append(("in queue", f"place {found.queue_position}"))
    if found.preemption_count:
        facts.append(("preempted", plural(found.preemption_count, "time")))
    if found.retries_used:
        facts.append(("retried", plural(found.retries_used, "time")))
    return [(title, value) for title, value in facts if value]


def _cluster(client: Client, cluster_id: int) -> str:
    try:
        return f"{client.clusters.get(cluster_id).name} (#{cluster_id})"
    except NotFound:
        return f"#{cluster_id}"


def _what(one: StoryEvent) -> str:
    return one.kind.replace("_", " ")


def _someone(deployment_id: int | None) -> str:
    return f"#{deployment_id}" if deployment_id else "another organization's"
