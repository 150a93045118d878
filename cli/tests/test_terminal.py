"""At a real terminal, and in a pipe: colours, a live table, Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

pytestmark = pytest.mark.processes

HV = [sys.executable, "-m", "hypervisor_cli"]
PATIENCE_SECONDS = 60


@pytest.fixture
def outside(hv):
    """The environment of an `hv` in a process of its own, alice's."""
    return {
        **os.environ, "XDG_CONFIG_HOME": str(hv.home), "PYTHONPATH": ":".join(sys.path), "TERM": "xterm-256color"
    }  # fmt: skip


class Terminal:
    """`hv` at a terminal of so many columns."""

    def __init__(self, words, environment, columns=80):
        self.shown = ""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # The size is set before anybody looks.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(HV[0], [*HV, *words], environment)

    def until(self, words):
        """Reads until this is shown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                break
        assert words in self.shown, self.shown
        return self.shown

    def type(self, keys):
        os.write(self._fd, keys.encode())

    def end(self):
        """All that was shown, and the exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        return self.shown, os.waitstatus_to_exitcode(status)

    def _read(self):
        if not select.select([self._fd], [], [], PATIENCE_SECONDS)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def some(box, alice):
    """One that runs and one, with a long name, that waits."""
    asked = {
        "docker_image": "x",
        "cluster_id": box.id,
        "required_cpu": 1,
        "required_ram": 1,
        "required_gpu": 8,
    }
    running = alice.deployments.submit(name="shown-running", **asked)
    alice.deployments.wait(running.id, until=["running"], timeout=30, every=0.1)
    alice.deployments.submit(
        name="shown-with-a-name-that-no-terminal-of-eighty-columns-has-room-for", **asked
    )
    return running


def test_a_terminal_gets_colours_and_tables_that_fit(outside, some):
    for columns in (80, 120):
        shown, code = Terminal(["ps"], outside, columns).end()
        assert code == 0
        assert "\x1b[32mrunning" in shown
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
        assert len(plain) >= 3
        assert max(map(len, plain)) <= columns
        assert any("…" in line for line in plain)


def test_who_wants_no_colours_gets_none(outside, some):
    shown, _ = Terminal(["ps"], outside | {"NO_COLOR": "1"}).end()
    assert "running" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)


def test_a_pipe_gets_whole_names_and_no_colours(outside, some):
    out = subprocess.run([*HV, "ps"], env=outside, capture_output=True, text=True, check=True)
    assert "shown-with-a-name-that-no-terminal-of-eighty-columns-has-room-for" in out.stdout
    assert "\x1b" not in out.stdout + out.stderr


def test_a_reader_that_has_had_enough_is_no_error(outside, some):
    out = subprocess.run(
        ["/bin/sh", "-c", f"{' '.join(HV)} ps --all --json | head -c 1"],
        env=outside,
        capture_output=True,
        text=True,
    )
    assert (out.returncode, out.stdout, out.stderr) == (0, "[", "")


def test_a_watched_table_follows_and_ctrl_c_ends_it_cleanly(outside, some, alice):
    terminal = Terminal(["ps", "--watch"], outside)
    terminal.until("Ctrl-C ends")
    alice.deployments.submit(
        name="newcomer", docker_image="x", cluster_id=some.cluster_id, required_cpu=1, required_ram=1
    )
    terminal.until("newcomer")
    terminal.type("\x03")
    shown, code = terminal.end()
    assert code == 130
    assert "Traceback" not in shown
    assert "\x1b[?1049l" in shown, "the screen as it was before"


def test_ctrl_c_ends_a_log_that_goes_on(outside, some):
    terminal = Terminal(["logs", "-f", str(some.id)], outside)
    terminal.until("started")
    terminal.type("\x03")
    shown, code = terminal.end()
    assert code == 130
    assert "Traceback" not in shown


def test_a_password_is_asked_for_and_not_shown(outside, url):
    terminal = Terminal(["login", url], outside)
    terminal.until("Username: ")
    terminal.type("alice\n")
    terminal.until("Password: ")
    terminal.type("correct horse battery\n")
    shown, code = terminal.end()
    assert code == 0
    assert "Signed in to" in shown
    assert "correct horse" not in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(hv, shell):
    script = hv.ok("completion", shell)
    assert "_HV_COMPLETE" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_shell_completes_commands_and_choices(outside):
    def completed(words, place):
        environment = outside | {
            "_HV_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(place),
        }
        return subprocess.run(HV, env=environment, capture_output=True, text=True, check=False).stdout.split()

    assert completed("hv des", 1) == ["plain,describe"]
    assert completed("hv deploy x --priority m", 4) == ["plain,medium"]
