"""`manage.py simulate`, called as an operator would."""

import io
import json
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from scheduling.core.policy import PRESETS
from scheduling.policy_services import set_policy
from scheduling.tests.simulated import PHILLY
from scheduling.tests.test_simulation_history import ran, waited

TRACE = (
    "id,submit_s,duration_s,gpus,priority\n"
    "a,0,36000,2,LOW\nb,7200,3600,2,HIGH\nc,7200,3600,1,MEDIUM\nd,7200,60,3,LOW\n"
)


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "ours.csv"
    path.write_text(TRACE)
    return path


def simulate(*arguments, **options):
    stdout = io.StringIO()
    call_command("simulate", *arguments, stdout=stdout, stderr=io.StringIO(), **options)
    return stdout.getvalue()


def test_the_tables_name_units_and_what_was_left_out(trace):
    told = simulate(trace=str(trace), gpus=2, policy=["two_phase"], window=0)
    assert "ours.csv: 3 jobs, submitted over 120 min, on 2 GPUs" in told
    assert "Left out: 1 that ask for more than the whole cluster has." in told
    (line,) = [line for line in told.split("Waits")[0].splitlines() if line.strip().startswith("two_phase")]
    # The HIGH one pushes 2 GPUs aside that had worked for 2 h; then MEDIUM, then LOW anew.
    assert line.split()[:6] == ["two_phase", "0.0", "100.0", "240", "1", "1.00"]
    (low,) = [line for line in told.splitlines() if line.strip().startswith("LOW")]
    assert low.split()[:4] == ["LOW", "two_phase", "1", "240.0"]


def test_no_line_is_longer_than_a_log_shows(trace):
    told = simulate(
        trace=str(trace), gpus=4, policy=["balanced,minimum_run_seconds=600,evictions_per_minute=5"]
    )
    assert max(map(len, told.splitlines())) <= 120


def test_policies_are_compared_side_by_side_in_processes_of_their_own(trace):
    told = json.loads(simulate(trace=str(trace), gpus=4, json=True, processes=2))
    assert [policy["policy"] for policy in told["policies"]] == list(PRESETS)
    alone = json.loads(simulate(trace=str(trace), gpus=4, json=True, processes=1))
    for one in (*told["policies"], *alone["policies"]):
        del one["took_seconds"]
    assert told == alone


def test_a_folder_gets_json_tables_and_pictures(trace, tmp_path):
    out = tmp_path / "deep" / "out"
    told = simulate(trace=str(trace), gpus=2, policy=["two_phase"], out=out)
    assert sorted(file.name for file in out.iterdir()) == [
        "result.json", "tables.txt", "use.svg", "waiting.svg",
    ]  # fmt: skip
    assert (out / "tables.txt").read_text() == told
    assert json.loads((out / "result.json").read_text())["policies"][0]["preemptions"] == 1
    for name in ("use.svg", "waiting.svg"):
        assert ElementTree.fromstring((out / name).read_text()).tag.endswith("svg")


def test_shares_can_be_left_out_and_settings_set_for_all(trace):
    told = json.loads(
        simulate(
            trace=str(trace), gpus=4, policy=["balanced"], no_shares=True, json=True,
            set=["reservation_after_seconds=3600"],
        )
    )  # fmt: skip
    settings = told["policies"][0]["settings"]
    assert (settings["organization_shares"], settings["user_shares"]) == (False, False)
    assert settings["reservation_after_seconds"] == 3600


def test_a_real_trace_goes_through_every_preset():
    told = json.loads(simulate(trace=str(PHILLY), gpus=256, json=True))
    assert told["workload"]["jobs"] == 400
    for policy in told["policies"]:
        assert policy["unfinished_jobs"] == 0
        assert 0 < policy["goodput_percent"] <= 100
        assert policy["wait_hours_by_priority"]["HIGH"]["mean"] < policy["wait_hours"]["mean"]


@pytest.mark.django_db(transaction=True)
def test_the_past_of_a_cluster_is_replayed(cluster):
    ran(waited(cluster, 10), 8, 5)
    told = simulate(trace="history", cluster=cluster.pk, policy=["two_phase"])
    assert "gpu-box, the last 30 days: 1 job," in told


@pytest.mark.django_db(transaction=True)
def test_what_a_cluster_follows_now_is_a_policy_too(cluster, alice, trace):
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"minimum_run_seconds": 900})
    own = f"cluster:{cluster.pk}"
    told = json.loads(
        simulate(trace=str(trace), gpus=4, policy=[own, f"{own},most_evictions=1"], json=True, processes=1)
    )
    first, second = told["policies"]
    assert (first["policy"], first["settings"]["minimum_run_seconds"]) == (own, 900)
    assert (second["settings"]["minimum_run_seconds"], second["settings"]["most_evictions"]) == (900, 1)
    with pytest.raises(CommandError, match=f"no policy 'cluster:{cluster.pk + 1}'"):
        simulate(trace=str(trace), policy=[f"cluster:{cluster.pk + 1}"])


@pytest.mark.django_db(transaction=True)
def test_a_past_without_jobs_says_what_there_was(cluster):
    waited(cluster, 10, status="cancelled")
    with pytest.raises(CommandError, match=r"nothing to replay. Left out: 1 that were cancelled"):
        simulate(trace="history", cluster=cluster.pk)


@pytest.mark.django_db(transaction=True)
def test_an_unknown_cluster_is_refused_with_those_there_are(cluster):
    with pytest.raises(CommandError, match=rf"no cluster {cluster.pk + 1}. There are: {cluster.pk}"):
        simulate(trace="history", cluster=cluster.pk + 1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"policy": ["greedy"]}, "no policy 'greedy'. There are: two_phase, least_waste, balanced"),
        ({"set": ["speed=3"]}, "no setting 'speed'"),
        ({"policy": ["two_phase", "two_phase"]}, "named twice"),
        ({"processes": 0}, "--processes takes a number from 1 to 64"),
        ({"trace": "history"}, "needs --cluster ID"),
        ({"trace": "/nowhere.csv"}, "cannot be read"),
        ({"gpus": 0.5}, "nothing to replay. Left out: 4 that ask for more"),
        ({"out": "/dev/null/here"}, "Name a folder that can be written"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(trace, options, told):
    with pytest.raises(CommandError, match=told):
        simulate(**({"trace": str(trace)} | options))
