"""`python -m hypervisor.run` is the whole service here; with `manage`, a Django command beside it."""

import os
import sys

from hypervisor.embedded.errors import EmbeddedError
from hypervisor.embedded.location import prepare_location
from hypervisor.environment import load_dotenv
from hypervisor.supervisor.address import read_address
from hypervisor.supervisor.environment import children_environment, read_data_dir
from hypervisor.supervisor.errors import SupervisorError
from hypervisor.supervisor.services import PROJECT
from hypervisor.supervisor.supervisor import Supervisor
from hypervisor.supervisor.terminal import Terminal

_USAGE = "usage: python -m hypervisor.run [--verbose] | manage COMMAND [ARGUMENT ...]"


def serve(*, verbose: bool) -> int:
    """The exit code, once somebody has stopped the service."""
    address = read_address(os.environ)
    location = prepare_location(read_data_dir(os.environ))
    return Supervisor(
        location=location,
        address=address,
        environment=children_environment(location),
        own_environment=dict(os.environ),
        terminal=Terminal(verbose=verbose),
    ).run()


def manage(command: list[str]) -> None:
    """Becomes `manage.py COMMAND` in the environment of the running service."""
    environment = children_environment(prepare_location(read_data_dir(os.environ)))
    os.execve(  # noqa: S606 (our own interpreter, our own script)
        sys.executable, [sys.executable, str(PROJECT / "manage.py"), *command], environment
    )


def main(arguments: list[str]) -> int:
    """The exit code."""
    load_dotenv()
    try:
        match arguments:
            case []:
                return serve(verbose=False)
            case ["--verbose"]:
                return serve(verbose=True)
            case ["manage", *command] if command:
                manage(command)
    except (EmbeddedError, SupervisorError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line)
        return 1
    print(_USAGE, file=sys.stderr)  # noqa: T201 (a command line)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
