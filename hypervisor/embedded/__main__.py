"""`python -m hypervisor.embedded exec -- COMMAND ...`: a command beside a throwaway PostgreSQL and Valkey.

With `--durable` PostgreSQL waits for the disk as it does in service, so that what is measured is what users get.
"""

import sys

from hypervisor.embedded.errors import EmbeddedError
from hypervisor.embedded.execute import execute

_USAGE = "usage: python -m hypervisor.embedded exec [--durable] -- COMMAND [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    """The exit code."""
    match arguments:
        case ["exec", ("--durable" | "--") as first, *command] if command:
            durable = first == "--durable"
            if durable and command[0] == "--":
                command = command[1:]
            try:
                return execute(command, durable=durable)
            except EmbeddedError as error:
                print(error, file=sys.stderr)  # noqa: T201 (a command line)
                return 1
    print(_USAGE, file=sys.stderr)  # noqa: T201 (a command line)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
