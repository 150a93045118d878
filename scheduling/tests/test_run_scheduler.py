"""`manage.py run_scheduler`, called as an operator would."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from clusters.locks import lock_clusters
from clusters.services import change_cluster, create_cluster
from deployments.models import Deployment
from deployments.services.submit import submit_deployment
from deployments.states import Status
from scheduling import passes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make_cluster(alice, lab):
    def make(name, gpu=2):
        return create_cluster(
            actor=alice, organization_id=lab.pk, name=name,
            total_ram=65_536, total_cpu=16_000, total_gpu=gpu * 1000,
        )  # fmt: skip

    return make


@pytest.fixture
def submit(alice, lab):
    def make(cluster, name="train", gpu=1, priority=1, **asked):
        return submit_deployment(
            actor=alice, organization_id=lab.pk, cluster=cluster, name=name, docker_image="ubuntu:24.04",
            required_ram=1024, required_cpu=1000, required_gpu=gpu * 1000, priority=priority, **asked,
        )  # fmt: skip

    return make


def run(*arguments):
    out = io.StringIO()
    call_command("run_scheduler", *arguments, "--no-color", stdout=out)
    return out.getvalue()


def as_json(*arguments):
    return json.loads(run(*arguments, "--json"))


def statuses(*deployments):
    return [Deployment.objects.get(pk=deployment.pk).status for deployment in deployments]


def test_it_starts_what_fits_in_every_cluster_and_shows_a_line_each_and_a_total(make_cluster, submit):
    big, small = make_cluster("big"), make_cluster("small", gpu=1)
    waiting = [submit(big), submit(big), submit(small), submit(small)]
    shown = run()
    assert statuses(*waiting) == [Status.STARTING, Status.STARTING, Status.STARTING, Status.PENDING]
    rows = [re.findall(r"\w+", line) for line in shown.splitlines()]
    assert [str(big.pk), "big", "2", "2", "0", "0", "0"] in [row[:7] for row in rows]
    assert [str(small.pk), "small", "2", "1", "0", "1", "0"] in [row[:7] for row in rows]
    assert ["total", "2", "clusters", "4", "3", "0", "1", "0"] in [row[:8] for row in rows]


def test_a_dry_run_changes_nothing_and_says_what_would_happen(make_cluster, submit):
    cluster = make_cluster("big")
    low = submit(cluster, "low", gpu=2)
    run()
    high = submit(cluster, "high", gpu=1, priority=3)
    shown = " ".join(run("--dry-run").split())
    assert statuses(low, high) == [Status.STARTING, Status.PENDING]
    assert "nothing was changed" in shown
    assert f"would preempt: low (#{low.pk}) for high (#{high.pk})" in shown
    assert as_json()["clusters"][0]["evicted"] == [{"deployment_id": low.pk, "for": high.pk}]
    assert statuses(low, high) == [Status.STOPPING, Status.PENDING]


def test_one_cluster_can_be_named(make_cluster, submit):
    first, second = make_cluster("first"), make_cluster("second")
    here, there = submit(first), submit(second)
    answer = as_json("--cluster", str(second.pk))
    assert [row["cluster_id"] for row in answer["clusters"]] == [second.pk]
    assert answer["total"]["scheduled"] == 1
    assert statuses(here, there) == [Status.PENDING, Status.STARTING]


def test_an_unknown_cluster_is_refused_with_those_that_there_are(make_cluster):
    cluster = make_cluster("big")
    with pytest.raises(CommandError, match=rf"no cluster 999999.*{cluster.pk}"):
        run("--cluster", "999999")


def test_a_paused_cluster_schedules_nothing(alice, make_cluster, submit):
    cluster = make_cluster("big")
    change_cluster(actor=alice, cluster_id=cluster.pk, changes={"paused": True})
    submit(cluster)
    total = as_json()["total"]
    assert (total["pending"], total["scheduled"], total["unschedulable"]) == (1, 0, 1)


def test_where_nobody_waits_it_says_so(make_cluster):
    make_cluster("big")
    assert "Nobody waits" in run()
    assert as_json()["clusters"] == []


def test_more_clusters_than_a_batch_are_all_served(make_cluster, submit, monkeypatch):
    monkeypatch.setattr("scheduling.passes.CHUNK", 2)
    for number in range(5):
        submit(make_cluster(f"cluster {number}"))
    answer = as_json()
    assert len(answer["clusters"]) == answer["total"]["scheduled"] == 5


def test_a_cluster_that_somebody_else_has_locked_is_named(make_cluster, submit):
    from threading import Event, Thread

    from django.db import transaction

    cluster = make_cluster("big")
    waiting = submit(cluster)
    locked, done = Event(), Event()

    def hold():
        with transaction.atomic():
            lock_clusters([cluster.pk])
            locked.set()
            done.wait(30)
        connections.close_all()

    thread = Thread(target=hold)
    thread.start()
    try:
        assert locked.wait(30)
        assert "busy" in as_json()["clusters"][0]["problem"]
    finally:
        done.set()
        thread.join()
    assert statuses(waiting) == [Status.PENDING]
    assert as_json()["total"]["scheduled"] == 1


def test_the_loop_ends_cleanly_when_it_is_interrupted(make_cluster, submit, monkeypatch):
    cluster = make_cluster("big")
    submit(cluster)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt
        submit(cluster)

    monkeypatch.setattr("scheduling.management.commands.run_scheduler.time.sleep", sleep)
    out, err = io.StringIO(), io.StringIO()
    call_command("run_scheduler", "--json", "--loop", "7", stdout=out, stderr=err)
    passes_run = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [answer["total"]["scheduled"] for answer in passes_run] == [1, 1, 0]
    assert slept == [7, 7, 7]
    assert "Stopped." in err.getvalue()


def test_it_works_while_the_broker_is_away(make_cluster, submit, monkeypatch, settings):
    from redis import Redis

    cluster = make_cluster("big")
    waiting = [submit(cluster, "low", gpu=2), submit(cluster, "high", gpu=1, priority=3)]
    settings.SCHEDULER_HINTS = True
    away = Redis.from_url("unix:///nonexistent/redis.sock")
    monkeypatch.setattr("clusters.wakeups.redis_client", lambda: away)
    assert as_json()["total"]["scheduled"] == 1
    assert statuses(*waiting) == [Status.PENDING, Status.STARTING]


def test_a_refused_plan_does_not_stop_the_other_clusters_of_its_batch(make_cluster, submit, monkeypatch):
    from scheduling.core.invariants import InvariantBroken
    from scheduling.services import run_cycle

    bad, good = make_cluster("bad"), make_cluster("good")
    waiting = [submit(bad), submit(good)]

    def broken(*, cluster_ids, everybody):
        if bad.pk in cluster_ids:
            raise InvariantBroken("over capacity")
        return run_cycle(cluster_ids=cluster_ids, everybody=everybody)

    monkeypatch.setattr(passes, "run_cycle", broken)
    rows = {row["cluster_id"]: row for row in as_json()["clusters"]}
    assert "over capacity" in rows[bad.pk]["problem"]
    assert statuses(*waiting) == [Status.PENDING, Status.STARTING]


def test_a_name_cannot_steer_the_operators_terminal(make_cluster, submit):
    submit(make_cluster("\x1b[2J[red]evil"))
    shown = run()
    assert "\x1b" not in shown
    assert "[red]evil" in shown
