"""hv org: tenants and who is in them."""

import click

from hypervisor_cli import names
from hypervisor_cli.exits import Failure
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.tables import Column
from hypervisor_cli.words import clock


@click.group()
def org() -> None:
    """Organizations: list, create, join, members, invite."""


@org.command("list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """Organizations that you are in."""
    found = list(session.client.organizations.list())
    if session.as_json:
        session.show_json([one.raw for one in found])
        return
    if not found:
        session.say("You are in no organization yet. Next: hv org create NAME, or hv org join CODE")
        return
    columns = (Column("ID", right=True), Column("NAME", least=12), Column("ROLE"))
    session.table(columns, [(str(one.id), one.name, one.role) for one in found])


@org.command()
@click.argument("name")
@json_option
@pass_session
def create(session: Session, name: str) -> None:
    """A new organization, which you own."""
    made = session.client.organizations.create(name)
    if session.as_json:
        session.show_json(made.raw)
        return
    session.say(
        f"Created organization {made.name} (#{made.id}). Others join with: hv org join {made.invite_code}"
    )


@org.command()
@click.argument("code")
@json_option
@pass_session
def join(session: Session, code: str) -> None:
    """Become a member, with an invite CODE."""
    joined = session.client.organizations.join(code)
    if session.as_json:
        session.show_json(joined.raw)
        return
    session.say(f"You are {joined.role} of {joined.name} (#{joined.id}).")


@org.command()
@click.argument("organization", required=False)
@json_option
@pass_session
def members(session: Session, organization: str | None) -> None:
    """Who is in ORGANIZATION, by default your only one."""
    client = session.client
    found = list(client.organizations.members(names.organization(client, organization).id))
    if session.as_json:
        session.show_json([one.raw for one in found])
        return
    columns = (Column("ID", right=True), Column("USERNAME", least=12), Column("ROLE"), Column("SINCE"))
    session.table(
        columns, [(str(one.user_id), one.username, one.role, clock(one.joined_at)) for one in found]
    )


@org.command()
@click.argument("organization", required=False)
@click.option("--new", is_flag=True, help="A new code; the old one dies at once.")
@click.option("--uses", type=click.IntRange(1), help="How many may join with the new one.")
@json_option
@pass_session
def invite(session: Session, organization: str | None, new: bool, uses: int | None) -> None:
    """The invite code of ORGANIZATION, by default your only one."""
    client = session.client
    found = names.organization(client, organization)
    if new or uses:
        found = client.organizations.new_invite(found.id, max_uses=uses)
    if found.invite_code is None:
        raise Failure(f"As {found.role} of {found.name} you may not invite. Ask an owner or admin.")
    if session.as_json:
        session.show_json(found.raw)
        return
    session.say(f"Others join {found.name} with: hv org join {found.invite_code}")
