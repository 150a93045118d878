"""Checking an engine: a worker asks it, the request waits for the answer, the beat asks again."""

import threading
import time
from datetime import UTC, datetime

import pytest
from rest_framework.settings import api_settings

from clusters import checking
from clusters.models import Cluster
from clusters.redis import redis_client
from clusters.replies import ask, reply
from clusters.services import check_engine
from clusters.services import engine as engine_service
from clusters.tasks import check, check_all
from clusters.tests.factories import ClusterFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(lab):
    """A Docker cluster of the lab's."""
    return ClusterFactory(organization=lab, name="box", runtime="docker", gpu=8, cpu=8, ram=8)


def test_a_check_says_what_the_engine_is_and_what_is_wrong_with_our_figures(api, alice, box, fake_engine):
    answer = api(alice).post(f"/clusters/{box.pk}/check")
    assert answer.status_code == 200
    found = answer.json()
    assert datetime.fromisoformat(found.pop("checked_at")).tzinfo == UTC
    (warning,) = found.pop("warnings")
    assert "8 GPUs and its engine 4" in warning
    assert found == {
        "reachable": True, "version": "99.1", "capacity_ram": 64, "capacity_cpu": 16, "capacity_gpu": 4,
        "facts": {"operating_system": "Testix"}, "problem": "",
    }  # fmt: skip
    box.refresh_from_db()
    assert box.engine_facts["capacity"] == {"ram": 64, "cpu": 16, "gpu": 4}


def test_an_engine_that_does_not_answer_is_an_answer_too_and_what_was_known_stays(
    api, alice, box, fake_engine
):
    api(alice).post(f"/clusters/{box.pk}/check")
    fake_engine.problem = "The engine refused our certificate."
    answer = api(alice).post(f"/clusters/{box.pk}/check")
    assert (answer.status_code, answer.json()["reachable"]) == (200, False)
    assert answer.json()["problem"] == "The engine refused our certificate."
    shown = api(alice).get(f"/clusters/{box.pk}").json()
    assert (shown["engine_problem"], shown["engine_version"]) == (answer.json()["problem"], "99.1")


def test_without_a_worker_the_answer_says_that_one_is_needed(api, alice, box, monkeypatch):
    monkeypatch.setattr(checking, "WAIT_SECONDS", 0.05)
    answer = api(alice).post(f"/clusters/{box.pk}/check")
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert "engine worker" in answer.json()["detail"]


def test_a_simulated_engine_can_be_checked_as_well(api, alice, cluster, engine_worker):
    assert api(alice).post(f"/clusters/{cluster.pk}/check").json()["version"] == "simulated 1"


def test_checks_are_throttled(api, alice, box, fake_engine, monkeypatch):
    monkeypatch.setattr(
        api_settings, "DEFAULT_THROTTLE_RATES", api_settings.DEFAULT_THROTTLE_RATES | {"check": "1/minute"}
    )
    codes = [api(alice).post(f"/clusters/{box.pk}/check").status_code for _ in range(2)]
    assert codes == [200, 429]


def test_a_connection_that_no_key_reads_is_a_problem_and_no_crash(box, fake_engine):
    Cluster.objects.filter(pk=box.pk).update(connection="nonsense")
    answer = check_engine(cluster_id=box.pk)
    assert not answer["reachable"]
    assert "ENCRYPTION_KEYS" in answer["problem"]


def test_the_answer_of_an_engine_that_was_replaced_meanwhile_is_not_kept(box, fake_engine, monkeypatch):
    asked = Cluster.objects.get(pk=box.pk)
    asked.connection = "the old one"
    kept = engine_service._keep(asked, fake_engine.check(), "", datetime.now(UTC))
    assert (kept.engine_facts, Cluster.objects.get(pk=box.pk).checked_at) == ({}, None)


def test_the_beat_checks_real_engines_in_use(box, cluster, lab, fake_engine):
    ClusterFactory(organization=lab, runtime="docker", deleted_at=datetime.now(UTC))
    check_all()
    assert fake_engine.checks == 1


def test_a_cluster_that_is_gone_is_not_asked(box, fake_engine):
    Cluster.objects.filter(pk=box.pk).update(deleted_at=datetime.now(UTC))
    assert check_engine(cluster_id=box.pk) is None
    assert fake_engine.checks == 0


def test_an_answer_that_comes_late_is_waited_for_and_one_that_never_comes_is_none(monkeypatch):
    def later(args, **_):
        threading.Thread(target=lambda: (time.sleep(1.3), reply(args[-1], {"found": args[0]}))).start()

    monkeypatch.setattr(check, "apply_async", later)
    assert ask(check, 7, seconds=5) == {"found": 7}
    monkeypatch.setattr(check, "apply_async", lambda **_: None)
    began = time.monotonic()
    assert ask(check, 7, seconds=0.2) is None
    assert time.monotonic() - began < 1


def test_an_answer_that_nobody_fetched_goes_away_by_itself():
    reply("answer:nobody", {})
    assert 0 < redis_client().ttl("answer:nobody") <= 60
