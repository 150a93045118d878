"""hv stop, cancel, start, change, wait."""

from collections.abc import Callable
from typing import Any

import click

from hypervisor_cli import names
from hypervisor_cli.exits import Exit, Failure, code_of
from hypervisor_cli.options import AMOUNT, options_named
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.words import why
from hypervisor_client import Deployment, HypervisorError, Spec

IDS = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.command()
@IDS
@click.option("--as-failed", is_flag=True, help="It becomes failed, not completed.")
@json_option
@pass_session
def stop(session: Session, ids: tuple[str, ...], as_failed: bool) -> int:
    """Stop what runs; it ends as completed."""
    return _each(session, ids, lambda id_: session.client.deployments.stop(id_, as_failed=as_failed))


@click.command()
@IDS
@json_option
@pass_session
def cancel(session: Session, ids: tuple[str, ...]) -> int:
    """Take what waits out of the queue."""
    return _each(session, ids, lambda id_: session.client.deployments.cancel(id_))


@click.command()
@IDS
@json_option
@pass_session
def start(session: Session, ids: tuple[str, ...]) -> int:
    """Look at what waits now, or queue what has ended anew."""
    return _each(session, ids, lambda id_: session.client.deployments.start(id_))


@click.command()
@click.argument("id")
@click.option("--name")
@click.option("--priority", type=click.Choice(["low", "medium", "high"], case_sensitive=False))
@click.option("--gpu", type=AMOUNT, help="Devices; as all below only while it waits.")
@click.option("--cpu", type=AMOUNT, help="Cores.")
@click.option("--ram", type=AMOUNT, help="GB.")
@click.option("--cluster", help="Move it there: id or name.")
@json_option
@pass_session
def change(session: Session, /, id: str, **given: Any) -> None:
    """Change what a deployment asks for.

    Name and priority until it has ended, all else while it waits. It keeps its place in the queue by time.
    """
    client = session.client
    fields = {"gpu": "required_gpu", "cpu": "required_cpu", "ram": "required_ram", "name": "name"}
    changes: Any = {
        fields[name]: value for name, value in given.items() if name in fields and value is not None
    }
    if given["priority"]:
        changes["priority"] = given["priority"].upper()
    if given["cluster"]:
        changes["cluster_id"] = names.cluster(client, given["cluster"]).id
    if not changes:
        raise click.UsageError("Say what to change, such as --priority high.")
    asked: Spec = changes
    with options_named():
        changed = client.deployments.change(names.deployment_id(client, id), **asked)
    _told(session, changed, "changed")


@click.command()
@click.argument("id")
@click.option("--timeout", type=AMOUNT, help="Give up after so many seconds, with exit code 1.")
@json_option
@pass_session
def wait(session: Session, id: str, timeout: float | None) -> None:
    """Until a deployment has ended.

    The exit code is 1 unless it is completed.
    """
    client = session.client
    report_end(session, client.deployments.wait(names.deployment_id(client, id), timeout=timeout))


def report_end(session: Session, ended: Deployment, *, one_of_many: bool = False) -> None:
    """Say how it ended; as JSON only where it is not one of many. Raises Failure unless it is completed."""
    if session.as_json and not one_of_many:
        session.show_json(ended.raw)
    if ended.status != "completed":
        told = why(ended)
        raise Failure(f"{ended.name} (#{ended.id}) is {ended.status}{f': {told}' if told else ''}.")
    if not session.as_json:
        session.say(f"{ended.name} (#{ended.id}) is completed.")


def _each(session: Session, ids: tuple[str, ...], act: Callable[[int], Deployment]) -> int:
    """Act on all of them; a refusal of one keeps no other from its turn."""
    from hypervisor_cli.main import complain

    done: list[dict[str, Any]] = []
    code = Exit.OK
    for given in ids:
        try:
            found = act(names.deployment_id(session.client, given))
        except (Failure, HypervisorError) as error:
            complain(error)
            code = max(code, code_of(error))
            if code in {Exit.NOT_SIGNED_IN, Exit.UNREACHABLE}:
                break
            continue
        done.append(found.raw)
        if not session.as_json:
            _told(session, found, "")
    if session.as_json:
        session.show_json(done)
    return code


def _told(session: Session, found: Deployment, done: str) -> None:
    if session.as_json:
        session.show_json(found.raw)
    else:
        session.say(f"{found.name} (#{found.id}) is {done and f'{done}, and '}{found.status}.")
