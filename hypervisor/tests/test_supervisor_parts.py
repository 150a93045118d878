import os
import signal
import socket
import sys
import time
from io import StringIO

import pytest
from cryptography.fernet import Fernet

from hypervisor.embedded.process import Guard, ProcessSpec, stop
from hypervisor.supervisor import logs
from hypervisor.supervisor.address import Address, read_address, refuse_taken
from hypervisor.supervisor.child import Child
from hypervisor.supervisor.errors import PortTakenError, SettingError
from hypervisor.supervisor.keys import missing_keys
from hypervisor.supervisor.logs import LogPump
from hypervisor.supervisor.terminal import Terminal

from .processes import eventually


def test_keys_are_made_once_and_kept_for_nobody_else_to_read(tmp_path):
    first = missing_keys(tmp_path, environment={})
    assert missing_keys(tmp_path, environment={}) == first
    assert len(first["SECRET_KEY"]) >= 50
    assert Fernet(first["ENCRYPTION_KEYS"]).decrypt(Fernet(first["ENCRYPTION_KEYS"]).encrypt(b"x")) == b"x"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_key_that_is_given_is_not_made(tmp_path):
    assert set(missing_keys(tmp_path, environment={"SECRET_KEY": "given"})) == {"ENCRYPTION_KEYS"}


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", "80.5", "²"])
def test_a_port_that_is_none_is_refused_with_what_to_write(port):
    with pytest.raises(SettingError, match="from 1 to 65535"):
        read_address({"PORT": port})


def test_a_taken_port_is_named_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .*\n.*PORT={port + 1} make run"):
            refuse_taken(Address("127.0.0.1", port))
    refuse_taken(Address("127.0.0.1", port))


def test_listening_everywhere_is_shown_as_an_address_that_can_be_opened():
    assert read_address({"HOST": "0.0.0.0", "PORT": "81"}).url == "http://127.0.0.1:81"
    assert read_address({"HOST": "::"}).url == "http://[::1]:8000"


def test_the_terminal_shows_troubles_and_whole_tracebacks_alone():
    stream = StringIO()
    terminal = Terminal(stream=stream)
    for line in (
        "INFO fine",
        "ERROR bad",
        "Traceback (most recent call last):",
        "  File x",
        "ValueError: y",
        "fine",
    ):
        terminal.line("web", line)
    shown = [line.split(" | ")[1] for line in stream.getvalue().splitlines()]
    assert shown == ["ERROR bad", "Traceback (most recent call last):", "  File x", "ValueError: y"]


def test_a_closed_terminal_is_no_reason_to_stop():
    stream = StringIO()
    terminal = Terminal(stream=stream, verbose=True)
    stream.isatty = lambda: False
    stream.write = lambda text: (_ for _ in ()).throw(BrokenPipeError)
    terminal.say("to nobody")
    terminal.say("again")


def test_logs_keep_every_line_and_stay_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_BYTES", 10_000)
    with LogPump(tmp_path, terminal=Terminal(stream=StringIO())) as pump:
        for number in range(3000):
            os.write(pump.pipe("web"), b"line %d\n" % number)
        os.write(pump.pipe("web"), b"x" * 200_000 + b"\nlast\n")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 10_000 + 4 * logs.MAX_LINE_BYTES
    assert pump.path("web").read_text().endswith("last\n")


@pytest.fixture
def child(tmp_path):
    guard, reports = Guard(), []
    spec = ProcessSpec(
        name="sleeper", argv=(sys.executable, "-c", "import time; time.sleep(1000)"), env=os.environ
    )
    with open(os.devnull, "wb") as output:
        child = Child(spec=spec, output=output.fileno(), guard=guard, report=reports.append)
        child.start()
        yield child, reports
        if child.process is not None:
            stop(child.process, spec, guard=guard)
        guard.close()


def test_a_killed_child_is_started_again_and_the_terminal_told(child):
    child, reports = child
    first = child.process.pid
    os.kill(first, signal.SIGKILL)

    def is_back():
        child.look_after()
        return child.process is not None and child.process.pid != first

    assert eventually(is_back)
    assert reports == ["sleeper was killed by signal 9; it starts again in 0.25 s"]


def test_a_child_that_keeps_dying_is_started_less_and_less_often(child):
    child, reports = child
    while len(reports) < 3:
        if child.process is not None:
            child.process.kill()
        child.look_after()
        time.sleep(0.01)
    assert [report.split(" in ")[1] for report in reports] == ["0.25 s", "0.5 s", "1 s"]
