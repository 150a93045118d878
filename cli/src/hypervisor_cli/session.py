"""What every command has at hand: the client, where to print, and how."""

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.text import Text

from hypervisor_cli.addresses import with_scheme
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.profiles import DEFAULT, Profile, Profiles, ProfileStore, folder, login_command
from hypervisor_cli.tables import Cell, Column, lines, printable
from hypervisor_client import Client

F = TypeVar("F", bound=Callable[..., Any])
UNLIMITED = 100_000


class Session:
    """One call of `hv`."""

    def __init__(self, *, profile: str | None, as_json: bool) -> None:
        self.profile = profile or os.environ.get("HV_PROFILE") or DEFAULT
        self.as_json = as_json
        self.profiles = Profiles(folder())
        self.out = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self.err = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """Signed in. Raises Failure where nobody is."""
        if self._client is None:
            self._client = self._signed_in()
        return self._client

    @property
    def width(self) -> int:
        """Columns to print in; what is no terminal has as many as it takes."""
        return self.out.width if self.out.is_terminal else UNLIMITED

    def say(self, text: str | Text, *, hang: int | None = None) -> None:
        """A line on stdout. A terminal folds it between words, and goes on `hang` columns from the left; by default
        where the line itself begins."""
        if isinstance(text, str):
            text = printable(text)
            text = Text(_folded(text, self.width, hang) if self.out.is_terminal else text)
        self.out.print(text, soft_wrap=True)

    def note(self, text: str) -> None:
        """A line on stderr, for people beside the answer."""
        self.err.print(text, soft_wrap=True, style="dim")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, indent: int = 0) -> None:
        """Rows in columns, cut to the terminal."""
        for line in lines(columns, list(rows), self.width - indent):
            self.out.print(Text(" " * indent) + line, soft_wrap=True)

    def show_json(self, value: Any) -> None:
        """For scripts."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def close(self) -> None:
        """Give connections back."""
        if self._client is not None:
            self._client.close()

    def _signed_in(self) -> Client:
        url = os.environ.get("HV_URL", "").rstrip("/")
        # Read from a file, it often comes with the end of its line.
        token = os.environ.get("HV_TOKEN", "").strip()
        profile = self.profiles.get(self.profile)
        if token:
            where = url or (profile.url if profile else "")
            if not where:
                raise Failure("HV_TOKEN is set, and HV_URL is not: say where it is good.", Exit.USAGE)
            return Client(with_scheme(where), token)
        if profile is None or profile.access is None:
            raise Failure(
                f"You are not signed in. Sign in with: {login_command(self.profile, url)}", Exit.NOT_SIGNED_IN
            )
        if url and with_scheme(url) != profile.url:
            # A token goes to the service that gave it, and to no other.
            raise Failure(
                f"HV_URL is {url}, and profile {self.profile} is signed in at {profile.url}. "
                f"Unset HV_URL, or sign in there with: {login_command(self.profile, url)}",
                Exit.NOT_SIGNED_IN,
            )
        return Client(profile.url, store=self.store(profile))

    def store(self, profile: Profile, *, begins: bool = False) -> ProfileStore:
        """Where this call's profile keeps its tokens; `begins`: those of a new login."""
        return ProfileStore(self.profiles, self.profile, profile, begins=begins)


def _folded(text: str, width: int, hang: int | None) -> str:
    def fold(line: str) -> str:
        indent = hang if hang is not None else len(line) - len(line.lstrip(" •"))
        fitted = textwrap.wrap(
            line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
        )
        return "\n".join(fitted)

    return "\n".join(fold(line) for line in text.split("\n"))


def json_option(command: F) -> F:
    """`--json` on the command itself, as on `hv`."""

    def note_it(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Session).as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=note_it, help="JSON for scripts, not a table."
    )(command)


pass_session = click.make_pass_decorator(Session)
