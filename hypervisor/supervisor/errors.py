"""Why the service cannot be started. Every message says what to do next."""


class SupervisorError(Exception):
    """The message is meant for the person at the terminal."""


class PortTakenError(SupervisorError):
    """Another program listens where the web server should."""

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} of {host} is taken by another program.\n"
            f"Stop that one, or choose another port:  PORT={port + 1} make run"
        )


class SettingError(SupervisorError):
    """An environment variable says something that cannot be meant."""


class PreparationError(SupervisorError):
    """A setting was refused, or the database could not be brought up to date."""


class StopRequested(Exception):
    """A signal came before everything was up."""
