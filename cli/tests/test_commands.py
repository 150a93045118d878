"""Each command, as its user sees it, on a real service."""

import json
import threading

import pytest

from .conftest import PASSWORD

pytestmark = pytest.mark.processes


def submitted(out):
    """The id that `hv deploy` told."""
    return out.split("(#")[1].split(")")[0]


def test_one_registers_makes_an_organization_and_another_joins(stranger, alice, url, tmp_path):
    out = stranger.ok("register", url, "-u", "dora", "--password-stdin", stdin=PASSWORD + "\n")
    assert out == (
        f"Signed in to {url} as dora.\n"
        "You are in no organization yet. Next: hv org create NAME, or hv org join CODE\n"
    )
    code = stranger.ok("org", "create", "studio").split("hv org join ")[1].strip()
    assert stranger.ok("org", "invite") == f"Others join studio with: hv org join {code}\n"
    new = stranger.ok("org", "invite", "studio", "--new", "--uses", "3").split("hv org join ")[1].strip()
    assert new != code
    stranger.ok("--profile", "second", "register", url, "-u", "emil", "--password-stdin", stdin=PASSWORD)
    said = stranger("--profile", "second", "org", "join", code)
    assert said.code != 0, "the old code died"
    assert stranger.ok("--profile", "second", "org", "join", new).startswith("You are member of studio (#")
    table = stranger.ok("org", "members")
    assert [line.split()[1:3] for line in table.splitlines()] == [
        ["USERNAME", "ROLE"], ["dora", "owner"], ["emil", "member"],
    ]  # fmt: skip
    for words in (["invite"], ["invite", "--json"]):
        said = stranger("--profile", "second", "org", *words)
        assert (said.code, said.out) == (1, "")
        assert "As member of studio you may not invite. Ask an owner or admin." in said.err
    assert "studio  member" in stranger.ok("--profile", "second", "org", "list")
    assert json.loads(stranger.ok("org", "list", "--json"))[0]["name"] == "studio"


def test_who_is_signed_in_and_who_no_longer(hv, url):
    assert hv.ok("whoami").startswith("alice (#")
    assert json.loads(hv.ok("--json", "whoami"))["url"] == url
    assert hv.ok("logout") == f"Signed out of {url}.\n"
    assert hv.ok("logout") == "Nobody is signed in as profile default.\n"
    assert hv("whoami").code == 3


def test_a_cluster_from_its_making_to_its_pause(hv, lab):
    made = hv.ok("cluster", "create", "small", "--org", "lab", "--gpu", "2", "--cpu", "4", "--ram", "8")
    assert made.startswith("Created cluster small (#")
    assert made.endswith(") of lab: 2 GPU, 4 CPU, 8 GB.\n")
    table = hv.ok("cluster", "list")
    assert "small" in table
    assert "2 of 2" in table
    assert hv.ok("cluster", "pause", "small") == "small is paused: nothing starts there, what runs goes on.\n"
    assert hv.ok("cluster", "show", "small").splitlines()[0].endswith("  paused")
    assert hv.ok("cluster", "resume", "small") == "small is ready.\n"
    assert "scheduled by two_phase" in hv.ok("cluster", "policy", "small")
    assert "scheduled by least_waste" in hv.ok("cluster", "policy", "small", "least_waste")
    assert json.loads(hv.ok("cluster", "show", "small", "--json"))["total_gpu"] == 2


def test_a_deployment_is_all_that_the_options_say(hv, box, monkeypatch):
    first = submitted(hv.ok("deploy", "busybox:1", "--cluster", "gpu-box", "--gpu", "8", "--name", "holder"))
    monkeypatch.setenv("TOKEN", "a-secret-value")
    monkeypatch.setenv("MODE", "fast")
    made = json.loads(
        hv.ok(
            "deploy", "team/train:1", "--cluster", str(box.id), "--gpu", "2", "--cpu", "8", "--ram", "64",
            "--priority", "high", "--after", "holder", "-e", "A=1=2", "-e", "MODE", "--secret", "TOKEN",
            "--entrypoint", "sh", "--workdir", "/w", "--restart", "on_failure", "--retries", "2",
            "--time-limit", "2h", "--expect", "90", "--simulate", "1.5", "--label", "team=vision", "--json",
            "--", "-c", "echo hi",
        )
    )  # fmt: skip
    wanted = {
        "name": "train", "docker_image": "team/train:1", "required_gpu": 2, "required_cpu": 8, "required_ram": 64,
        "priority": 3, "dependency_ids": [int(first)], "env": {"A": "1=2", "MODE": "fast"},
        "secret_env_names": ["TOKEN"], "command": ["sh"], "args": ["-c", "echo hi"], "working_dir": "/w",
        "restart_policy": "on_failure", "max_retries": 2, "time_limit_seconds": 7200, "expected_seconds": 90,
        "simulated_seconds": 1.5, "labels": {"team": "vision"}, "cluster_id": box.id,
    }  # fmt: skip
    assert {field: made[field] for field in wanted} == wanted


def test_the_life_of_one_from_ps_to_its_log(hv, box):
    id_ = submitted(hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--name", "short", "--simulate", "1"))
    assert "short (#" in hv.ok("wait", "short", "--timeout", "30")
    log = hv.ok("logs", id_)
    assert "progress 50 %" in log
    assert hv.ok("logs", "-f", "short") == log
    assert hv.ok("logs", id_, "--tail", "1").count("\n") == 1
    (row,) = [
        line for line in hv.ok("ps", "--all", "--mine").splitlines() if line.strip().startswith(f"{id_} ")
    ]
    assert row.split()[1:3] == ["short", "completed"]
    assert "short" not in hv.ok("ps", "--cluster", "gpu-box")
    story = hv.ok("describe", f"#{id_}")
    for word in (
        "short (#",
        "busybox",
        "gpu-box",
        "1 CPU, 1 GB",
        "by alice",
        "submitted",
        "scheduled",
        "exit code",
    ):
        assert word in story
    told = json.loads(hv.ok("describe", id_, "--json"))
    assert [event["kind"] for event in told["events"]][-1] == "submitted"


def test_a_filter_that_nothing_matches_is_named(hv, box):
    assert hv.ok("ps", "--name", "nobody", "--mine") == (
        "Nothing that runs or waits matches --name --mine. What has ended: hv ps --all\n"
    )
    assert hv.ok("ps", "--name", "nobody", "--all") == "Nothing matches --name.\n"
    assert hv.ok("ps", "--name", "nobody", "--status", "failed") == "Nothing matches --status --name.\n"


def test_following_waits_for_the_start_and_goes_on_to_the_end(hv, box):
    hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "8", "--name", "first", "--simulate", "2")
    hv.eventually("ps", "--name", "first", shows="running")
    said = hv("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "8", "--simulate", "1", "--follow")
    assert said.code == 0, said
    assert "waits to start: no free room" in said.err
    assert said.out.splitlines()[-1].endswith("is completed.")
    assert "progress 100 %" in said.out


def test_one_that_fails_is_told_by_its_exit_code(hv, box, alice):
    id_ = submitted(hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--name", "doomed"))
    alice.deployments.wait(int(id_), until=["running"], timeout=30, every=0.1)
    assert "doomed (#" in hv.ok("stop", "doomed", "--as-failed")
    said = hv("wait", id_)
    assert (said.code, said.out) == (1, "")
    assert "doomed" in said.err
    assert "failed" in said.err


def test_why_one_waits_and_what_would_help(hv, box, alice):
    hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "6", "--name", "holds", "--priority", "low")
    hv.eventually("ps", "--name", "holds", shows="running")
    hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "4", "--name", "waits", "--priority", "low")
    hv.eventually("ps", "--name", "waits", shows="no free room")
    told = hv.ok("why", "waits")
    for words in (
        "short of 2 GPUs", "number 1 of 1 in the queue of gpu-box, under the policy two_phase",
        "holds (#", "LOW, holds 6 GPU", "• It starts if it asks for at most 2 GPUs", "--gpu 2", "--priority high",
    ):  # fmt: skip
        assert words in told
    assert json.loads(hv.ok("why", "waits", "--json"))["status"] == "pending"
    assert "no free room: short of 2 GPU" in hv.ok("describe", "waits")
    queue = hv.ok("queue", "--cluster", "gpu-box").splitlines()
    assert queue[0].endswith("1 waits")
    assert queue[2].split()[0:1] + queue[2].split()[2:4] == ["1", "waits", "LOW"]
    plan = hv.ok("plan", "gpu-box", "--gpu", "8", "--priority", "high")
    assert "seat     the one you suppose [HIGH, 8 GPU, 1 CPU, 1 GB]" in plan
    assert "evicted  holds (#" in plan
    assert "6/8" in hv.ok("top")
    changed = hv.ok("change", "waits", "--gpu", "2")
    assert "waits (#" in changed
    hv.eventually("ps", "--name", "waits", shows="running")


def test_several_are_steered_at_once_and_one_refusal_stops_no_other(hv, box):
    hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "8", "--name", "runs")
    hv.eventually("ps", "--name", "runs", shows="running")
    hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--gpu", "8", "--name", "queued")
    said = hv("cancel", "runs", "987654321", "queued")
    assert said.code == 4
    assert said.out.endswith("is cancelled.\n")
    assert "so you cannot cancel it" in said.err
    assert "no deployment with this id" in said.err
    assert hv("cancel", "runs").code == 1
    assert hv.ok("stop", "runs").startswith("runs (#")
    assert json.loads(hv.ok("start", "queued", "--json"))[0]["status"] == "pending"


FILE = """
defaults: {cluster: gpu-box, image: "team/tool:1"}
deployments:
  - {name: prepare, cpu: 4, ram: 16, simulate: 600}
  - {name: train, gpu: 2, after: [prepare, OUTSIDE], priority: high, env: {A: "1"}}
  - {gpu: 1, after: train}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "deployments.yaml").write_text(text)
        return str(tmp_path / "deployments.yaml")

    return write


def test_a_file_is_submitted_at_once_and_its_names_are_what_they_wait_for(hv, box, alice, file):
    outside = submitted(
        hv.ok("deploy", "busybox", "--cluster", "gpu-box", "--name", "outside", "--simulate", "600")
    )
    path = file(FILE.replace("OUTSIDE", "outside"))
    out = hv.ok("deploy", "-f", path, "--key", "once-and-for-all")
    assert out.endswith("Submitted 3 deployments.\n")
    ids = [int(line.split()[0]) for line in out.splitlines()[1:4]]
    prepare, train, tool = (alice.deployments.get(id_) for id_ in ids)
    assert (prepare.name, prepare.required_cpu, prepare.required_ram) == ("prepare", 4, 16)
    assert (train.dependency_ids, train.priority) == (sorted([int(outside), prepare.id]), 3)
    assert (tool.name, tool.dependency_ids, tool.required_cpu) == ("tool", [train.id], 1)
    again = json.loads(hv.ok("deploy", "-f", path, "--key", "once-and-for-all", "--json"))
    assert [one["id"] for one in again] == ids, "with the same key nothing is submitted twice"


def test_what_is_wrong_in_a_file_is_told_by_index_and_name(hv, box, file, alice):
    before = len(list(alice.deployments.list()))
    path = file(FILE.replace(", OUTSIDE", "").replace("gpu: 2", "gpu: 20").replace("ram: 16", "ports: [0]"))
    said = hv("deploy", "-f", path)
    assert (said.code, said.out) == (1, "")
    assert "nothing was submitted" in said.err
    assert "deployments[0] (prepare) ports" in said.err
    said = hv(
        "deploy", "-f", file(FILE.replace(", OUTSIDE", "").replace("gpu: 2", "gpu: 20").replace("16", "999"))
    )
    assert "deployments[0] (prepare) ram: Cluster 'gpu-box' has 256 GB of RAM in all." in said.err
    assert "deployments[1] (train) gpu: Cluster 'gpu-box' has 8 GPUs in all." in said.err
    assert len(list(alice.deployments.list())) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deployments: [", "is not YAML"),
        ("deployments: [{name: a, gpu: .nan}]", "deployments[0] (a) gpu: nan is no amount."),
        ("a: 1", "must have a list of deployments"),
        ("deployments: []", "must have a list of deployments"),
        ("deployments: [5]", "deployments[0] must be fields"),
        ("deployments: [{gpu: 1}]", "neither a name nor an image"),
        ("{deployments: [{name: a}], more: 1}", "more is unknown"),
        ("{deployments: [{name: a}], defaults: [1]}", "defaults must be"),
        ("[{name: a}, {name: a}, {name: b, after: a}]", "2 in the file are called so"),
    ],
)
def test_a_file_that_says_nothing_good_is_a_wrong_command_line(hv, box, file, text, told):
    said = hv("deploy", "-f", file(text.replace("name: ", "cluster: gpu-box, image: x, name: ")))
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_file_is_waited_for_until_all_have_ended(hv, box, file, alice):
    path = file(FILE.replace(", OUTSIDE", "").replace("simulate: 600", "simulate: 1").replace(
        "priority: high", "simulate: 1").replace("gpu: 1, after", "simulate: 1, after"))  # fmt: skip
    out = hv.ok("deploy", "-f", path, "--wait")
    assert out.count("is completed.\n") == 3
    ended = json.loads(hv.ok("deploy", "-f", path, "--wait", "--json"))
    assert [one["status"] for one in ended] == ["completed"] * 3


def test_what_waits_for_a_failed_one_is_not_waited_for(hv, box, file, alice):
    def fail_it():
        (made,) = alice.deployments.list(name="prepare", status=["pending", "starting", "running"])
        alice.deployments.wait(made.id, until=["running"], timeout=30, every=0.1)
        alice.deployments.stop(made.id, as_failed=True)

    failing = threading.Timer(2, fail_it)
    failing.start()
    said = hv("deploy", "-f", file(FILE.replace(", OUTSIDE", "")), "--wait")
    failing.join()
    assert said.code == 1
    assert "Submitted 3 deployments." in said.out
    assert "is failed" in said.err
    assert "train (#" in said.err
    assert "tool (#" in said.err


@pytest.mark.parametrize(
    "words",
    [["--cluster", "gpu-box"], ["--gpu", "0"], ["--priority", "high"], ["-e", "A=1"], ["--org", "lab"], ["--follow"]],
    ids=" ".join,
)  # fmt: skip
def test_an_option_that_a_file_would_swallow_is_refused(hv, file, words):
    said = hv("deploy", "-f", file(FILE), *words)
    assert (said.code, said.out) == (2, "")
    assert ("hv logs -f ID" if words == ["--follow"] else "say it in the file") in said.err
