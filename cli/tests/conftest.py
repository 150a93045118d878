"""A service of its own for all tests of `hv`, and people who use it."""

import contextlib
import io
import sys
import time
from dataclasses import dataclass

import pytest

from hypervisor.demo.chaos.service import own_service
from hypervisor_cli.main import run
from hypervisor_cli.profiles import Profile, Profiles
from hypervisor_client import Client, Conflict, Retries

PASSWORD = "correct horse battery"
PATIENCE_SECONDS = 30


@dataclass
class Said:
    """How one call of `hv` ended."""

    code: int
    out: str
    err: str


class Person:
    """Somebody at a terminal: a home of their own, and `hv` in it."""

    def __init__(self, home, monkeypatch, capsys):
        self.home = home
        self._patch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments, stdin=""):
        self._patch.setenv("XDG_CONFIG_HOME", str(self.home))
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        code = run(arguments)
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(code), out, err)

    def ok(self, *arguments, stdin=""):
        """Its output; it must succeed without a word on stderr."""
        said = self(*arguments, stdin=stdin)
        assert (said.code, said.err) == (0, ""), said
        return said.out

    def eventually(self, *arguments, shows):
        """Its output, as soon as that is in it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while shows not in (out := self(*arguments).out):
            assert time.monotonic() < deadline, out
            time.sleep(0.1)
        return out


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("HV_URL", "HV_TOKEN", "HV_PROFILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def service():
    with own_service(
        THROTTLE_TOKEN="10000/minute", THROTTLE_REGISTER="10000/minute", THROTTLE_PLAN="10000/minute"
    ) as running:
        yield running


@pytest.fixture(scope="session")
def url(service):
    return service.url


def signed_in(url, username):
    """A client of a user who is new."""
    client = Client(url, retries=Retries(attempts=3))
    client.register(username, PASSWORD)
    client.close()
    return Client.login(url, username, PASSWORD)


@pytest.fixture(scope="session")
def alice(url):
    """Owns the lab and its cluster gpu-box of 8 GPUs."""
    with signed_in(url, "alice") as client:
        lab = client.organizations.create("lab")
        client.clusters.create("gpu-box", lab.id, gpu=8, cpu=64, ram=256)
        yield client


@pytest.fixture
def lab(alice):
    return next(alice.organizations.list(name="lab"))


@pytest.fixture
def box(alice):
    """The cluster, empty."""
    found = next(alice.clusters.list(name="gpu-box"))
    for one in alice.deployments.list(status=["pending"], cluster_id=found.id):
        # One that starts just now is stopped below.
        with contextlib.suppress(Conflict):
            alice.deployments.cancel(one.id)
    for one in alice.deployments.list(status=["starting", "running"], cluster_id=found.id):
        alice.deployments.stop(one.id)
    for one in alice.deployments.list(status=["stopping"], cluster_id=found.id):
        alice.deployments.wait(one.id, timeout=PATIENCE_SECONDS, every=0.1)
    return found


@pytest.fixture
def stranger(tmp_path, monkeypatch, capsys):
    """Nobody is signed in."""
    return Person(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture(scope="session")
def alices_tokens(alice, url):
    """Signing in hashes a password, which takes its time: once for all tests that do not renew them."""
    with Client.login(url, "alice", PASSWORD) as client:
        return client._transport.store.load()


@pytest.fixture
def hv(stranger, alices_tokens, url):
    """Alice's."""
    profile = Profile(url, "alice", alices_tokens.access, alices_tokens.refresh)
    Profiles(stranger.home / "hv").put("default", profile)
    return stranger


@pytest.fixture
def signed_in_anew(stranger, alice, url):
    """Alice's, with tokens that no other test has."""
    stranger.ok("login", url, "-u", "alice", "--password-stdin", stdin=PASSWORD)
    return stranger
