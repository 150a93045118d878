"""The command `hv`: its groups, and how it ends."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from hypervisor_cli.commands import COMMANDS
from hypervisor_cli.exits import TOLD, Exit, Failure, code_of, sentences
from hypervisor_cli.session import Session
from hypervisor_client import HypervisorError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EPILOG = f"""\b
Ids are numbers, or names where those are unique.

{TOLD}
\b
Environment:
  HV_PROFILE  the profile, where --profile is not given
  HV_URL      the address of the service, with HV_TOKEN, an access token
  NO_COLOR    no colours
"""


def _version() -> str:
    try:
        return version("mlops-hypervisor-cli")
    except PackageNotFoundError:
        return "unknown"


class InOrder(click.Group):
    """Lists its commands as they were added: the first things first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, context_settings=SETTINGS, epilog=EPILOG)
@click.option("--profile", metavar="NAME", help="Who is signed in where. Default: HV_PROFILE, or 'default'.")
@click.option("--json", "as_json", is_flag=True, help="JSON for scripts; also after a command that has it.")
@click.version_option(_version(), prog_name="hv")
@click.pass_context
def hv(context: click.Context, profile: str | None, as_json: bool) -> None:
    """Submit, watch and steer deployments on shared GPU clusters.

    Begin with: hv login URL
    """
    context.obj = Session(profile=profile, as_json=as_json)
    context.call_on_close(context.obj.close)


for command in COMMANDS:
    hv.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """One call; answers its exit code. Expected errors are a sentence on stderr."""
    try:
        ended: Any = hv.main(
            args=list(arguments) if arguments is not None else None, prog_name="hv", standalone_mode=False
        )
        return int(ended) if isinstance(ended, int) else Exit.OK
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.USAGE
    except click.UsageError as error:
        (_with_its_place(error) if isinstance(error, click.NoSuchOption) else error).show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.REFUSED
    except (Failure, HypervisorError) as error:
        complain(error)
        return code_of(error)
    except BrokenPipeError:
        # Whoever reads us, such as `head`, has had enough. Nothing must be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _with_its_place(error: click.NoSuchOption) -> click.NoSuchOption:
    """With a hint, where the option is one of `hv` itself."""
    if error.ctx is None or error.option_name != "--profile":
        return error
    command = error.ctx.command_path.removeprefix("hv ")
    told = f"{error.message} It stands before the command: hv --profile NAME {command}"
    return click.NoSuchOption(error.option_name, told, ctx=error.ctx)


def complain(error: Exception) -> None:
    """Say on stderr what went wrong."""
    head = click.style("Error:", fg="red", bold=True) if _coloured() else "Error:"
    for place, sentence in enumerate(sentences(error)):
        click.echo(f"{'       ' if place else head + ' '}{sentence}", err=True)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def main() -> None:
    """The console script."""
    # Ended by a closed terminal or a supervisor: as quietly as by Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(run())
