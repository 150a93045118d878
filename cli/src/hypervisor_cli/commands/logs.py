"""hv logs: what a run wrote."""

import sys
import time

import click

from hypervisor_cli import names
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.session import Session, pass_session
from hypervisor_cli.words import why
from hypervisor_client import Broken, Conflict

LOOK_SECONDS = 1.0


@click.command()
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends; wait for its start first.")
@click.option("--tail", type=click.IntRange(0, 10_000), help="At most so many lines from before.")
@click.option("--run", "run_id", type=int, help="The id of one of its runs. Default: the newest.")
@pass_session
def logs(session: Session, id: str, follow: bool, tail: int | None, run_id: int | None) -> None:
    """Show what a deployment wrote."""
    client = session.client
    deployment_id = names.deployment_id(client, id)
    if follow:
        follow_log(session, deployment_id, tail=tail, run_id=run_id)
    else:
        _print(session, deployment_id, follow=False, tail=tail, run_id=run_id)


def follow_log(
    session: Session, deployment_id: int, *, tail: int | None = None, run_id: int | None = None
) -> None:
    """The log until its run ends; waits for the first run, and says so."""
    told = None
    while True:
        try:
            return _print(session, deployment_id, follow=True, tail=tail, run_id=run_id)
        except Conflict:
            found = session.client.deployments.get(deployment_id)
            if found.is_final:
                raise Failure(f"{found.name} (#{found.id}) is {found.status}, and never ran.") from None
            if (now := (found.status, found.reason)) != told and found.status == "pending":
                told, reason = now, why(found)
                session.note(f"{found.name} (#{found.id}) waits to start{f': {reason}' if reason else ''}.")
        time.sleep(LOOK_SECONDS)


def _print(
    session: Session, deployment_id: int, *, follow: bool, tail: int | None, run_id: int | None
) -> None:
    try:
        for line in session.client.deployments.logs(deployment_id, follow=follow, tail=tail, run_id=run_id):
            # As it is: colours of the program that wrote it are meant for the terminal.
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except Broken as error:
        again = f"hv logs {'-f ' if follow else ''}{deployment_id}"
        raise Failure(
            f"{error} The run does not mind. When the service is there again, see all of it with: {again}",
            Exit.UNREACHABLE,
        ) from error
