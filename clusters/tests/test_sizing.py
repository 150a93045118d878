"""A cluster's size: given by its people, or taken from its engine less a reserve."""

import pytest

from clusters.models import Cluster
from clusters.services import check_engine
from clusters.signals import capacity_changed
from clusters.sizing import totals_of_engine
from clusters.tests.fake_engine import ADDRESS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def listed(settings):
    settings.CLUSTER_ENDPOINTS = ("gpu-box.example.com",)


@pytest.fixture
def made(api, alice, lab, fake_engine):
    """Makes a Docker cluster with these totals, and answers it as the wire shows it."""

    def make(**totals):
        about = {"name": "box", "organization_id": lab.pk, "runtime": "docker", "connection": ADDRESS}
        answer = api(alice).post("/clusters", about | totals)
        assert answer.status_code == 201, answer.json()
        return answer.json()

    return make


@pytest.fixture
def hints():
    seen = []

    def note(cluster_ids, **_):
        seen.extend(cluster_ids)

    capacity_changed.connect(note)
    yield seen
    capacity_changed.disconnect(note)


def totals(cluster):
    return [cluster[f"total_{name}"] for name in ("cpu", "ram", "gpu")]


def test_a_new_cluster_has_at_once_what_its_engine_has_less_the_reserve(made):
    cluster = made()
    assert totals(cluster) == [14.4, 57.6, 4]
    assert sorted(cluster["sized_by_engine"]) == ["cpu", "gpu", "ram"]
    assert (cluster["engine_version"], cluster["engine_problem"]) == ("99.1", "")
    assert cluster["checked_at"]


def test_the_reserve_is_of_cpu_and_ram_and_never_rounds_up(settings):
    settings.ENGINE_RESERVE_PERCENT = 33
    found = totals_of_engine((1001, 101, 3000), ("cpu", "ram", "gpu"))
    assert found == {"total_gpu": 3000, "total_cpu": 670, "total_ram": 67}


def test_each_total_that_is_given_stays_as_given(made):
    cluster = made(total_cpu=8, total_gpu=0)
    assert (totals(cluster), cluster["sized_by_engine"]) == ([8, 57.6, 0], ["ram"])


def test_an_engine_that_does_not_answer_makes_an_empty_cluster_with_its_problem(made, fake_engine):
    fake_engine.problem = "The engine does not answer."
    cluster = made(total_gpu=2)
    assert (totals(cluster), cluster["engine_problem"]) == ([0, 0, 2], "The engine does not answer.")


def test_a_total_that_is_given_later_is_no_longer_the_engines_and_null_gives_it_back(made, api, alice):
    address = f"/clusters/{made()['id']}"
    given = api(alice).patch(address, {"total_ram": 16}).json()
    assert (given["total_ram"], sorted(given["sized_by_engine"])) == (16, ["cpu", "gpu"])
    back = api(alice).patch(address, {"total_ram": None}).json()
    assert (back["total_ram"], sorted(back["sized_by_engine"])) == (57.6, ["cpu", "gpu", "ram"])


def test_what_was_read_may_be_sent_back_and_changes_nothing(made, api, alice):
    cluster = made(total_cpu=8)
    again = api(alice).put(f"/clusters/{cluster['id']}", cluster)
    assert again.status_code == 200
    assert again.json() == cluster


def test_an_engine_that_shrank_makes_the_cluster_overcommitted_and_evicts_nobody(made, fake_engine, hints):
    cluster = Cluster.objects.get(pk=made()["id"])
    Cluster.objects.filter(pk=cluster.pk).update(allocated_gpu=3000)
    fake_engine.capacity = (16_000, 65_536, 2000)
    hints.clear()
    answer = check_engine(cluster_id=cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.total_gpu, cluster.allocated_gpu, cluster.state) == (2000, 3000, "overcommitted")
    event = cluster.events.first()
    assert (event.kind, event.actor) == ("capacity_changed", None)
    assert event.data == {"old": {"total_gpu": 4000}, "new": {"total_gpu": 2000}}
    assert hints == [cluster.pk]
    assert "nothing starts" in answer["warnings"][0]


def test_nothing_is_told_when_nothing_changed(made, fake_engine, hints):
    cluster_id = made()["id"]
    hints.clear()
    before = Cluster.objects.get(pk=cluster_id)
    events = before.events.count()
    check_engine(cluster_id=cluster_id)
    after = Cluster.objects.get(pk=cluster_id)
    assert (after.total, after.events.count(), hints) == (before.total, events, [])
    assert after.checked_at > before.checked_at


def test_an_engine_that_cannot_tell_its_size_leaves_it_as_it_was(made, fake_engine):
    cluster_id = made()["id"]
    fake_engine.capacity = None
    answer = check_engine(cluster_id=cluster_id)
    assert (answer["reachable"], answer["capacity_ram"]) == (True, None)
    assert Cluster.objects.get(pk=cluster_id).total_gpu == 4000


def test_a_simulated_cluster_needs_its_totals(api, alice, lab, cluster):
    answer = api(alice).post("/clusters", {"name": "n", "organization_id": lab.pk, "total_cpu": 1})
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"total_ram", "total_gpu"}
    refused = api(alice).patch(f"/clusters/{cluster.pk}", {"total_ram": None})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "total_ram")
