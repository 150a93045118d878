import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hypervisor.supervisor.services import PROJECT

from .processes import eventually, processes_naming

EXEC = [sys.executable, "-m", "hypervisor.embedded", "exec", "--"]
SERVED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS")


@pytest.fixture
def environment():
    """Short, because sockets live in it, and ours alone, so that what is left over can be seen."""
    with tempfile.TemporaryDirectory(prefix="hx-") as folder:
        clean = {name: value for name, value in os.environ.items() if name not in SERVED}
        yield {**clean, "TMPDIR": folder}


def run(*command, environment):
    return subprocess.run([*EXEC, *command], env=environment, cwd=PROJECT, capture_output=True, text=True)


def left_over(environment):
    folder = environment["TMPDIR"]
    return [*processes_naming(folder), *os.listdir(folder)]


@pytest.mark.parametrize("code", [0, 7])
def test_the_exit_code_of_the_command_is_passed_on(code, environment):
    assert run("sh", "-c", f"exit {code}", environment=environment).returncode == code
    assert left_over(environment) == []


def test_a_command_killed_by_a_signal_is_told_apart(environment):
    assert run("sh", "-c", "kill -9 $$", environment=environment).returncode == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_is_named(environment):
    outcome = run("no-such-command", environment=environment)
    assert outcome.returncode == 127
    assert "no-such-command" in outcome.stderr


def test_the_command_reaches_both_servers(environment):
    script = (
        "import os, psycopg, redis;"
        "print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 1').fetchone()[0],"
        "redis.Redis.from_url(os.environ['REDIS_URL']).ping(), len(os.environ['SECRET_KEY']) >= 32)"
    )
    outcome = run(sys.executable, "-c", script, environment=environment)
    assert outcome.stdout.split() == ["1", "True", "True"], outcome.stderr


def test_what_the_environment_names_is_used_and_nothing_started(environment):
    given = {**environment, "DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"}
    outcome = run("sh", "-c", 'echo $DATABASE_URL $REDIS_URL; ls "$TMPDIR"/*/sockets', environment=given)
    assert outcome.stdout.split() == ["postgres://elsewhere/db", "redis://elsewhere/0"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_ends_it_nothing_is_left(number, environment):
    ready = Path(environment["TMPDIR"]) / "ready"
    owner = subprocess.Popen(
        [*EXEC, "sh", "-c", f"touch {ready}; exec sleep 1000"], env=environment, cwd=PROJECT
    )
    assert eventually(ready.exists)
    assert len(processes_naming(environment["TMPDIR"])) >= 2
    children = subprocess.run(["pgrep", "-P", str(owner.pid)], capture_output=True, text=True).stdout.split()
    owner.send_signal(number)
    owner.wait()
    ready.unlink()
    assert eventually(lambda: not left_over(environment)), left_over(environment)
    assert eventually(lambda: not [pid for pid in children if alive(int(pid))])


def test_the_kernel_ends_the_servers_when_the_guard_is_killed_too(environment):
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    ready = Path(environment["TMPDIR"]) / "ready"
    owner = subprocess.Popen(
        [*EXEC, "sh", "-c", f"touch {ready}; exec sleep 1000"], env=environment, cwd=PROJECT
    )
    assert eventually(ready.exists)
    guard = subprocess.run(
        ["pgrep", "-P", str(owner.pid), "-f", "guard.py"], capture_output=True, text=True
    ).stdout
    os.kill(int(guard), signal.SIGKILL)
    owner.kill()
    owner.wait()
    assert eventually(lambda: not processes_naming(environment["TMPDIR"]))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
