"""GET /clusters/{id}/cycles."""

from random import Random

import pytest

from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment, DeploymentEvent
from deployments.states import Status
from deployments.tests.lives import exits, look
from scheduling.serializers import CycleAnswer
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, MEDIUM, cycle, submit


def cycles_of(api, who, cluster, query="", status=200):
    answer = api(who).get(f"/clusters/{cluster.pk}/cycles{query}")
    assert answer.status_code == status, answer.content
    return answer.json()


def events(cluster, kind):
    return DeploymentEvent.objects.filter(deployment__cluster=cluster, kind=kind)


def seats_redeemed(cluster):
    """Starts whose deployment's last word before was a seat."""
    story = events(cluster, "scheduled") | events(cluster, "seat_granted") | events(cluster, "seat_dropped")
    seated, redeemed = set(), 0
    for id_, kind in story.order_by("id").values_list("deployment_id", "kind"):
        if kind == "seat_granted":
            seated.add(id_)
        else:
            redeemed += kind == "scheduled" and id_ in seated
            seated.discard(id_)
    return redeemed


@pytest.mark.parametrize("seed", range(5))
def test_the_totals_of_the_cycles_add_up_to_the_events(seed, api, alice, cluster):
    dice = Random(seed)
    for _ in range(12):
        for _ in range(dice.randint(0, 3)):
            submit(cluster, dice.randint(1, 5), dice.choice((LOW, LOW, MEDIUM, HIGH)))
        cycle(cluster)
        if dice.random() < 0.7:
            look(cluster)
        running = list(Deployment.objects.filter(status=Status.RUNNING).order_by("pk"))
        if running and dice.random() < 0.4:
            exits(dice.choice(running), 0)
    rows = cycles_of(api, alice, cluster)["results"]
    seats = events(cluster, "seat_granted").count()
    assert seats
    assert sum(row["scheduled"] for row in rows) == (
        events(cluster, "scheduled").count() + seats - seats_redeemed(cluster)
    )
    assert sum(row["preempted"] for row in rows) == events(cluster, "preempted").count() > 0


def test_a_cycle_shows_what_it_saw_and_how_long_it_took(api, alice, lab, cluster):
    neighbour = ClusterFactory(organization=lab)
    for place in (cluster, neighbour):
        submit(place, 8)
    submit(cluster, 8)
    run_cycle(cluster_ids=[cluster.pk, neighbour.pk])
    (row,) = cycles_of(api, alice, cluster)["results"]
    assert row.keys() == CycleAnswer().fields.keys()
    assert row["policy"] == "two_phase"
    counts = ("pending", "scheduled", "preempted", "unschedulable", "held", "batch")
    assert [row[name] for name in counts] == [2, 1, 0, 1, 0, 2]
    assert min(row["read_ms"], row["plan_ms"], row["write_ms"]) > 0


def test_they_come_newest_first_in_pages_and_in_the_order_asked_for(api, alice, cluster):
    for waiting in (1, 3, 2):
        for _ in range(waiting):
            submit(cluster, 1)
        cycle(cluster)
    newest_first = [row["pending"] for row in cycles_of(api, alice, cluster)["results"]]
    assert newest_first == [2, 3, 1]
    first = cycles_of(api, alice, cluster, "?limit=2")
    rest = api(alice).get(first["next"]).json()
    assert [row["pending"] for row in first["results"] + rest["results"]] == newest_first
    ordered = cycles_of(api, alice, cluster, "?ordering=pending")["results"]
    assert [row["pending"] for row in ordered] == [1, 2, 3]
    cycles_of(api, alice, cluster, "?ordering=read_ms", status=400)
    cycles_of(api, alice, cluster, "?status=done", status=400)


def test_members_see_them_and_nobody_else_does(api, bob, charlie, cluster):
    submit(ClusterFactory(), 1)
    submit(cluster, 1)
    cycle(cluster)
    assert len(cycles_of(api, bob, cluster)["results"]) == 1
    cycles_of(api, charlie, cluster, status=404)
