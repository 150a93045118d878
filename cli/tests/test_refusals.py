"""What goes wrong: a sentence on stderr that says what to do, and an exit code that means something."""

import json
import socket
import subprocess
import sys
import threading

import pytest

from hypervisor_client import Client

from .conftest import PASSWORD
from .local_server import local_server

pytestmark = pytest.mark.processes
HV = (sys.executable, "-m", "hypervisor_cli")


def told(said, code, *words):
    assert (said.code, said.out) == (code, ""), said
    for word in words:
        assert word in said.err
    assert said.err.startswith(("Error: ", "Usage: "))


@pytest.mark.parametrize("words", [["ps"], ["top"], ["deploy", "busybox"], ["org", "list"], ["logs", "1"]])
def test_who_is_not_signed_in_is_told_how(stranger, words):
    told(stranger(*words), 3, "You are not signed in. Sign in with: hv login URL")
    told(stranger("--profile", "work", *words), 3, "hv --profile work login URL")


def test_a_wrong_password_signs_nobody_in(stranger, alice, url):
    said = stranger("login", url, "-u", "alice", "--password-stdin", stdin="wrong")
    told(said, 3, "password is wrong.", "hv register URL")
    assert "at /register" not in said.err
    assert stranger("ps").code == 3


def test_without_a_terminal_nobody_is_asked(stranger, url):
    told(stranger("login", url), 2, "--username")
    told(stranger("login", url, "-u", "alice"), 2, "no password on standard input")
    told(stranger("login"), 2, "hv login URL")
    told(stranger("login", "ftp://x", "-u", "a", stdin="x"), 2, "no address")


def test_nobody_at_the_address(stranger):
    told(
        stranger("login", "http://127.0.0.1:1", "-u", "alice", stdin="x"),
        5,
        "does not answer",
        "does the service run",
    )


def test_another_server_is_at_the_address(stranger):
    with local_server((404, "<html>")) as server:
        told(stranger("login", server.url, "-u", "alice", stdin="x"), 5, "is no MLOps Hypervisor")


def test_a_token_goes_to_no_other_service(hv, monkeypatch):
    with local_server((200, {})) as server:
        monkeypatch.setenv("HV_URL", server.url)
        told(hv("ps"), 3, "Unset HV_URL, or sign in there")
        assert server.asked == []


def test_a_token_from_the_environment_needs_no_profile(stranger, alice, url, monkeypatch):
    monkeypatch.setenv("HV_TOKEN", alice._transport.store.load().access)
    told(stranger("whoami"), 2, "HV_URL")
    monkeypatch.setenv("HV_URL", url)
    assert json.loads(stranger.ok("whoami", "--json"))["username"] == "alice"
    monkeypatch.setenv("HV_TOKEN", alice._transport.store.load().access + "\n")
    assert stranger.ok("whoami").startswith("alice")
    monkeypatch.setenv("HV_TOKEN", "nonsense")
    said = stranger("whoami")
    told(said, 3, "is not valid", "HV_TOKEN holds this token.", "hv login URL")
    assert "/token" not in said.err


@pytest.mark.parametrize(
    "words", [["describe"], ["why"], ["logs"], ["stop"], ["cancel"], ["start"], ["wait"]]
)
def test_what_is_not_there(hv, words):
    told(hv(*words, "987654321"), 4, "There is no deployment with this id that you can see.")
    told(hv(*words, "no such name"), 4, "hv ps --all")


@pytest.mark.parametrize(
    "words", [["cluster", "show"], ["cluster", "pause"], ["plan"], ["queue", "--cluster"]]
)
def test_a_cluster_that_is_not_there(hv, words):
    assert hv(*words, "987654321").code == 4
    told(hv(*words, "nowhere"), 4, "There is no cluster 'nowhere' that you can see. See: hv cluster list")


def test_another_tenants_is_not_there(stranger, alice, box, url):
    mine = alice.deployments.submit(
        name="private", docker_image="x", cluster_id=box.id, required_cpu=1, required_ram=1
    )
    stranger.ok("register", url, "-u", "mallory", "--password-stdin", stdin=PASSWORD)
    for words in (["describe", str(mine.id)], ["describe", "private"], ["cluster", "show", "gpu-box"]):
        assert stranger(*words).code == 4
    told(stranger("deploy", "busybox"), 4, "You can see no cluster yet", "hv cluster create NAME")
    assert stranger.ok("ps").startswith("Nothing runs and nothing waits.")
    assert "no cluster yet" in stranger.ok("top")


def test_a_name_that_several_have_is_told_with_their_ids(hv, box, alice):
    ids = []
    for _ in range(2):
        made = alice.deployments.submit(
            name="twin", docker_image="x", cluster_id=box.id, required_cpu=1, required_ram=1
        )
        ids.append(made.id)
    told(hv("describe", "twin"), 1, "2 deployments are called 'twin'", f"#{ids[0]}", f"#{ids[1]}")
    alice.deployments.wait(ids[0], until=["running"], timeout=30, every=0.1)
    alice.deployments.stop(ids[0])
    alice.deployments.wait(ids[0], timeout=30, every=0.1)
    assert f"twin (#{ids[1]})" in hv.ok("describe", "twin"), "the only one that has not ended"


def test_a_refusal_names_the_options(hv, box):
    told(
        hv("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "9", "--ram", "999", "--label", "com.docker.x=1"),
        1, "--gpu: Cluster 'gpu-box' has 8 GPUs in all.", "--ram: ", "--label.com.docker.x: ",
    )  # fmt: skip


def test_a_refusal_of_a_key_names_its_option(hv, box):
    told(hv("deploy", "busybox", "--cluster", "gpu-box", "--key", "a b"), 1, "Error: --key: Write")


def test_every_refusal_of_an_amount_names_its_option(hv, box, lab, alice):
    waits = alice.deployments.submit(
        name="waits", docker_image="x", cluster_id=box.id, required_cpu=1, required_ram=1, required_gpu=8
    )
    for words in (
        ["cluster", "create", "none", "--org", "lab", "--cpu", "1", "--ram", "1", "--gpu", "-1"],
        ["plan", "gpu-box", "--gpu", "99"],
        ["change", str(waits.id), "--gpu", "-1"],
    ):
        told(hv(*words), 1, "Error: --gpu: ")


def test_what_its_state_does_not_allow(hv, box, alice):
    made = alice.deployments.submit(
        name="waits-long", docker_image="x", cluster_id=box.id, required_cpu=1, required_ram=1, required_gpu=8
    )
    alice.deployments.wait(made.id, until=["running"], timeout=30, every=0.1)
    told(hv("cancel", str(made.id)), 1, "is running, so you cannot cancel it")
    told(hv("wait", str(made.id), "--timeout", "0"), 1, "is still running")
    behind = alice.deployments.submit(
        name="behind", docker_image="x", cluster_id=box.id, required_cpu=1, required_ram=1, required_gpu=8
    )
    told(hv("logs", str(behind.id)), 1, "")
    alice.deployments.cancel(behind.id)
    told(hv("logs", "-f", str(behind.id)), 1, "is cancelled, and never ran")
    said = hv("stop", str(behind.id))
    told(said, 1, "so you cannot stop it. Now you can: start.")
    assert "delete" not in said.err, "hv has no such command"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["ps", "--nonsense"],
        ["deploy"],
        ["deploy", "a", "-f", "b"],
        ["deploy", "a", "--gpu", "many"],
        ["deploy", "a", "--gpu", "nan"],
        ["deploy", "a", "--ram", "inf"],
        ["deploy", "a", "--expect", "9" * 400],
        ["deploy", "a", "-e", "=x"],
        ["deploy", "a", "--label", "=x"],
        ["deploy", "a", "--label", "x"],
        ["plan", "gpu-box", "--gpu", "nan"],
        ["change", "1", "--cpu", "-inf"],
        ["cluster", "create", "x", "--gpu", "nan"],
        ["wait", "1", "--timeout", "nan"],
        ["deploy", "a", "--secret", "NOT_SET_ANYWHERE"],
        ["deploy", "a", "--secret", "A=B"],
        ["deploy", "a", "-e", "NOT_SET_ANYWHERE"],
        ["deploy", "a", "--expect", "soon"],
        ["deploy", "-f", "/there/is/none"],
        ["deploy", "a", "--json", "--follow"],
        ["ps", "--watch", "--json"],
        ["top", "--watch", "--json"],
        ["change", "1"],
        ["stop"],
        ["cluster", "create", "x", "--connection", "{"],
        ["cluster", "create", "x", "--connection", "[]"],
        ["cluster", "create", "x", "--connection", '{"port": NaN}'],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_wrong_command_line(hv, alice, words):
    told(hv(*words), 2)


def test_a_profile_after_the_command_is_told_where_it_stands(stranger):
    for words in (["ps"], ["org", "list"]):
        told(
            stranger(*words, "--profile", "work"),
            2,
            f"before the command: hv --profile NAME {' '.join(words)}\n",
        )


def test_a_log_that_breaks_is_told_in_plain_words(stranger, monkeypatch):
    monkeypatch.setenv("HV_TOKEN", "t")
    half = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbegun\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(half.encode())

        threading.Thread(target=answer, daemon=True).start()
        monkeypatch.setenv("HV_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        said = stranger("logs", "-f", "7")
    assert (said.code, said.out) == (5, "begun\n")
    assert "broke in the middle of the log." in said.err
    assert said.err.endswith("hv logs -f 7\n")
    assert "chunk" not in said.err


def test_of_several_clusters_one_must_be_named(hv, alice, lab):
    known = {one.name for one in alice.clusters.list()}
    if len(known) < 2:
        alice.clusters.create("another", lab.id, gpu=1, cpu=1, ram=1)
    told(hv("deploy", "busybox"), 2, "Say which with --cluster: ")


def spoil(hv):
    """The access token is no longer good, as after half an hour."""
    file = hv.home / "hv" / "profiles.json"
    stored = json.loads(file.read_text())
    stored["profiles"]["default"]["access"] += "x"
    file.write_text(json.dumps(stored))
    return stored["profiles"]["default"]["refresh"]


def test_a_session_goes_on_when_its_token_ends(signed_in_anew):
    old = spoil(signed_in_anew)
    assert signed_in_anew.ok("whoami").startswith("alice")
    stored = json.loads((signed_in_anew.home / "hv" / "profiles.json").read_text())["profiles"]["default"]
    assert stored["refresh"] != old
    assert signed_in_anew.ok("whoami").startswith("alice")


def test_many_at_once_renew_once_and_nobody_is_signed_out(signed_in_anew):
    spoil(signed_in_anew)
    calls = [
        subprocess.Popen([*HV, "org", "list"], text=True, env=outside(signed_in_anew),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(4)
    ]  # fmt: skip
    for call in calls:
        out, _ = call.communicate(timeout=60)
        assert (call.returncode, "lab" in out) == (0, True), out
    assert signed_in_anew.ok("whoami").startswith("alice")


def outside(hv):
    """The environment of an `hv` in a process of its own."""
    import os

    return {**os.environ, "XDG_CONFIG_HOME": str(hv.home), "PYTHONPATH": ":".join(sys.path)}


def test_who_ended_all_sessions_signs_in_again(stranger, url):
    stranger.ok("register", url, "-u", "petra", "--password-stdin", stdin=PASSWORD)
    with Client.login(url, "petra", PASSWORD) as client:
        body = {"current_password": PASSWORD, "new_password": PASSWORD + "!"}
        client._transport.call("POST", "/me/password", json=body)
    told(stranger("ps"), 3, "ign in")
