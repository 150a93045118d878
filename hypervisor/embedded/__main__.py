"""`python -m hypervisor.embedded exec -- COMMAND ...`: a command beside a throwaway PostgreSQL and Valkey."""

import sys

from hypervisor.embedded.errors import EmbeddedError
from hypervisor.embedded.execute import execute

_USAGE = "usage: python -m hypervisor.embedded exec -- COMMAND [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    """The exit code."""
    match arguments:
        case ["exec", "--", *command] if command:
            try:
                return execute(command)
            except EmbeddedError as error:
                print(error, file=sys.stderr)  # noqa: T201 (a command line)
                return 1
    print(_USAGE, file=sys.stderr)  # noqa: T201 (a command line)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
