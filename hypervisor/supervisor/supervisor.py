"""Starts everything in order, keeps it up, and stops it in the opposite order."""

import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType

from hypervisor.embedded.errors import StartFailedError
from hypervisor.embedded.location import DataDirLock, Location
from hypervisor.embedded.process import Guard, stop
from hypervisor.embedded.servers import embedded_servers, start_server
from hypervisor.supervisor.address import Address, refuse_taken
from hypervisor.supervisor.child import Child
from hypervisor.supervisor.errors import StopRequested
from hypervisor.supervisor.logs import LogPump
from hypervisor.supervisor.preparation import FirstAdmin, prepare_database
from hypervisor.supervisor.readiness import answers
from hypervisor.supervisor.services import fresh_metrics_folder, service_specs
from hypervisor.supervisor.summary import print_summary
from hypervisor.supervisor.terminal import Terminal

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
"""After so long without an answer the service is called slow, not ready; it may still become so."""

STOP_ORDER = ("beat", "worker", "engines", "stream", "web", "valkey", "postgres")
"""Who makes work goes before who does it, and both before what keeps it."""

KEEPS_DATA = frozenset({"valkey", "postgres"})
"""Who always gets its time to close its files."""


@dataclass(slots=True)
class Supervisor:
    """One service on one machine. `environment` is what its children get."""

    location: Location
    address: Address
    environment: dict[str, str]
    own_environment: dict[str, str]
    terminal: Terminal
    _signals: int = 0
    _children: dict[str, Child] = field(default_factory=dict)

    def run(self) -> int:
        """The exit code, after a signal has ended it. Raises EmbeddedError or SupervisorError."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup asks for
            signal.signal(signal.SIGHUP, self._on_signal)
        began = time.monotonic()
        with ExitStack() as stack:
            lock = stack.enter_context(DataDirLock(self.location, address=self.address.url))
            refuse_taken(self.address)
            guard = Guard(held=(lock.fd,))
            stack.callback(guard.close)
            pump = stack.enter_context(LogPump(self.location.logs, terminal=self.terminal))
            stack.callback(self._stop, guard)
            try:
                admin = self._start(guard, pump)
                self._wait_until_ready(admin, began)
                while not self._stopping():
                    self._look_after()
                    guard.keep_alive()
            except StopRequested:
                pass
            self.terminal.say("stopping; a second Ctrl-C does not wait for the tasks in hand")
        self.terminal.say("stopped")
        return 0

    def _start(self, guard: Guard, pump: LogPump) -> FirstAdmin | None:
        for server in embedded_servers(self.location, environment=self.own_environment).values():
            child = Child(
                spec=server.spec(),
                output=pump.pipe(server.name),
                guard=guard,
                report=self.terminal.say,
                before=server.clear_leftovers,
            )
            self._children[server.name] = child
            log = pump.path(server.name)
            try:
                process = start_server(
                    server, guard=guard, log=log, output=child.output, abandon=self._stopping
                )
            except StartFailedError:
                self._refuse_if_stopping()
                raise
            child.adopt(process)
        self._refuse_if_stopping()
        admin = prepare_database(
            environment=self.environment, guard=guard, log=pump.path("migrate"), abandon=self._stopping
        )
        metrics = fresh_metrics_folder(self.location.data_dir)
        specs = service_specs(
            address=self.address,
            environment=self.environment,
            metrics=metrics,
            web_socket=self.location.web_socket,
        )
        for spec in specs:
            child = Child(spec=spec, output=pump.pipe(spec.name), guard=guard, report=self.terminal.say)
            if spec.name == "web":
                child.before = self._clear_web_socket
            self._children[spec.name] = child
            child.start()
        return admin

    def _clear_web_socket(self) -> None:
        """What a killed web leaves behind would keep the next one from listening there."""
        self.location.web_socket.unlink(missing_ok=True)

    def _wait_until_ready(self, admin: FirstAdmin | None, began: float) -> None:
        """The summary comes in any case: the first admin's password is shown nowhere else."""
        while not (ready := answers(self.address, "/healthz") and answers(self.address, "/readyz")):
            if time.monotonic() > began + PATIENCE_SECONDS:
                break
            self._refuse_if_stopping()
            self._look_after()
        print_summary(
            self.terminal,
            address=self.address,
            location=self.location,
            admin=admin,
            ready=ready,
            seconds=time.monotonic() - began,
        )

    def _look_after(self) -> None:
        for child in self._children.values():
            child.look_after()
        time.sleep(LOOK_SECONDS)

    def _stop(self, guard: Guard) -> None:
        for name in STOP_ORDER:
            child = self._children.get(name)
            if child is not None and child.process is not None:
                hurry = self._never if name in KEEPS_DATA else self._hurried
                stop(child.process, child.spec, guard=guard, hurry=hurry)
                child.process = None

    def _stopping(self) -> bool:
        return self._signals > 0

    def _hurried(self) -> bool:
        return self._signals > 1

    def _never(self) -> bool:
        return False

    def _refuse_if_stopping(self) -> None:
        if self._stopping():
            raise StopRequested

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
