"""Who one is: login, logout, register, whoami."""

import os
import sys
from urllib.parse import urlsplit

import click

from hypervisor_cli.addresses import with_scheme
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.profiles import DEFAULT, Profile
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_client import Client, NotFound, Problem

LOCAL = {"localhost", "127.0.0.1", "::1"}


@click.command()
@click.argument("url", required=False)
@click.option("--username", "-u", help="Asked for where it is not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@pass_session
def login(session: Session, url: str | None, username: str | None, password_stdin: bool) -> None:
    """Sign in at URL, and keep the tokens for the profile.

    The password is asked for, or read from standard input where that is no terminal.
    """
    where = _address(session, url)
    username = username or _asked("Username")
    _enter(session, where, username, _password(password_stdin))


@click.command()
@click.argument("url", required=False)
@click.option("--username", "-u", help="Asked for where it is not given.")
@click.option("--email", help="Where the service can reach you.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@pass_session
def register(
    session: Session, url: str | None, username: str | None, email: str | None, password_stdin: bool
) -> None:
    """Become a user of the service at URL, and sign in."""
    where = _address(session, url)
    username = username or _asked("Username")
    password = _password(password_stdin, new=True)
    with Client(where) as client, _our_service(where):
        client.register(username, password, email=email)
    _enter(session, where, username, password)


@click.command()
@pass_session
def logout(session: Session) -> None:
    """Forget the tokens of the profile."""
    profile = session.profiles.get(session.profile)
    if profile is None or profile.access is None:
        session.say(f"Nobody is signed in as profile {session.profile}.")
        return
    session.profiles.put(session.profile, Profile(profile.url, profile.username))
    session.say(f"Signed out of {profile.url}.")


@click.command()
@json_option
@pass_session
def whoami(session: Session) -> None:
    """Who is signed in, where, and as what."""
    me = session.client.me()
    if session.as_json:
        session.show_json(me | {"url": session.client.url, "profile": session.profile})
        return
    session.say(f"{me['username']} (#{me['id']}) at {session.client.url}, profile {session.profile}")
    session.say(_belongs(me["organizations"]))


def _enter(session: Session, where: str, username: str, password: str) -> None:
    store = session.store(Profile(where, username), begins=True)
    with _our_service(where), Client.login(where, username, password, store=store) as client:
        organizations = client.me()["organizations"]
    known = "" if session.profile == DEFAULT else f" (profile {session.profile})"
    session.say(f"Signed in to {where} as {username}{known}.")
    session.say(_belongs(organizations))


class _our_service:  # noqa: N801 (reads as a sentence in a with statement)
    """Any server may be at an address: a 404 from /token is none of ours."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, NotFound) or (
            isinstance(error, Problem) and error.status in {301, 302, 308, 405}
        ):
            raise Failure(
                f"{self._where} answers, and is no MLOps Hypervisor: {error}", Exit.UNREACHABLE
            ) from error


def _address(session: Session, given: str | None) -> str:
    known = session.profiles.get(session.profile)
    url = given or os.environ.get("HV_URL") or (known.url if known else "")
    if not url:
        raise click.UsageError("Say where: hv login URL")
    where = with_scheme(url)
    parts = urlsplit(where)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.UsageError(f"{url!r} is no address. Write it as https://hypervisor.example.org")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        session.note(f"{where} is not encrypted: others on the way can read your password.")
    return where


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"Give --{what.lower()}: there is no terminal to ask at.")
    return str(click.prompt(what, err=True))


def _password(from_stdin: bool, *, new: bool = False) -> str:
    if from_stdin or not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise click.UsageError("There is no password on standard input.")
        return password
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=new, err=True))


def _belongs(organizations: list[dict[str, str]]) -> str:
    if not organizations:
        return "You are in no organization yet. Next: hv org create NAME, or hv org join CODE"
    return "Organizations: " + ", ".join(f"{one['name']} ({one['role']})" for one in organizations)
