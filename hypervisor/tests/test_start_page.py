"""The console's start page: the fleet by urgency, its charts by range, and what to do first where there is nothing."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment, Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, run
from hypervisor.console import fleet
from organizations.tests.factories import OrganizationFactory
from scheduling import rollups

MOST_QUERIES = 20


@pytest.fixture
def start(console):
    def get(**query):
        answer = console.get(reverse("admin:index"), query)
        assert answer.status_code == 200
        return answer

    return get


def names(answer) -> list[str]:
    return [cluster.name for cluster in answer.context["fleet"]["page"]]


def measured():
    """As the beat's task does it, a minute and a half from now."""
    Cluster.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    rollups.roll_up(now=timezone.now() + timedelta(seconds=90))


def test_trouble_comes_first_then_the_longest_queue_then_the_fullest(start, lab):
    made = {
        name: ClusterFactory(organization=lab, name=name)
        for name in ("calm", "full", "queue", "over", "gone")
    }
    Cluster.objects.filter(name="full").update(allocated_gpu=4000)
    Cluster.objects.filter(name="over").update(allocated_gpu=9000)
    Cluster.objects.filter(name="gone").update(unreachable_since=timezone.now())
    DeploymentFactory(cluster=made["queue"])
    rollups.roll_up(now=rollups.minute_of(timezone.now()) + timedelta(seconds=75))
    assert names(start()) == ["gone", "over", "queue", "full", "calm"]


def test_the_fleet_is_paged(start, lab):
    ClusterFactory.create_batch(fleet.ROWS + 2, organization=lab)
    first, second = start(), start(page=2, range="7d")
    assert len(names(first)) == fleet.ROWS
    assert len(names(second)) == 2
    assert not set(names(first)) & set(names(second))
    assert [way.address for way in second.context["fleet"]["ways"]] == [
        "?page=1&range=7d#fleet", "?page=2&range=7d#fleet",
    ]  # fmt: skip
    assert names(start(page="nonsense")) == names(first)


def test_a_row_tells_the_queue_of_each_priority_and_its_oldest_wait(start, cluster):
    DeploymentFactory.create_batch(2, cluster=cluster, priority=1)
    DeploymentFactory(cluster=cluster, priority=3, queued_at=timezone.now() - timedelta(days=2, hours=3))
    text = start().content.decode()
    assert "HIGH</span> 1<" in text
    assert "LOW</span> 2<" in text
    assert "MEDIUM</span>" not in text.split('id="fleet"')[1].split("</section>")[0]
    assert "2\xa0d\xa03\xa0h <small>HIGH" in text


def test_a_bar_has_three_parts(start, cluster):
    in_state(cluster, Status.RUNNING, gpu=2)
    in_state(cluster, Status.STOPPING, gpu=4)
    assert "2 used, 4 held by those stopping, 2 free" in start().content.decode()


def test_the_queries_do_not_grow_with_the_fleet(start, lab, django_assert_max_num_queries):
    for cluster in ClusterFactory.create_batch(60, organization=lab):
        DeploymentFactory(cluster=cluster)
    run(DeploymentFactory(cluster=cluster))
    measured()
    for chosen in ("1h", "24h", "7d", "30d"):
        with django_assert_max_num_queries(MOST_QUERIES):
            start(range=chosen)


def test_what_happened_is_drawn_in_every_range(start, cluster):
    run(DeploymentFactory(cluster=cluster, gpu=4, priority=3))
    measured()
    for chosen in ("1h", "24h", "7d", "30d"):
        answer = start(range=chosen)
        assert [way.text for way in answer.context["ranges"] if way.is_here] == [
            chosen.replace("h", " h").replace("d", " d")
        ]
        assert all(drawing.svg for drawing in answer.context["charts"])
        use, waits, preemptions, lost = (str(drawing.svg) for drawing in answer.context["charts"])
        # Longer slots average over what was before the cluster, too.
        assert ("highest 8" if chosen == "1h" else "all there are: last") in use
        assert "HIGH, half within: last" in waits
        assert "LOW, half within: nothing" in waits
        assert "preemptions: last 0" in preemptions
        assert "GPU hours lost: last 0" in lost
        assert [card["figure"] for card in answer.context["cards"] if card["title"] == "Started"] == ["1"]


def test_an_unknown_range_is_a_day(start):
    assert [way.text for way in start(range="1y").context["ranges"] if way.is_here] == ["24 h"]


def test_what_failed_last_is_there(start, cluster):
    one = in_state(cluster, Status.FAILED, name="broken")
    assert "broken" in start().content.decode()
    Run.objects.filter(deployment=one).update(ended_at=timezone.now() - timedelta(days=2))
    assert "broken" not in start().content.decode()


def test_an_empty_service_says_what_to_do_first(start):
    def steps(answer) -> list[tuple[str, str]]:
        return [(step["title"], step["done"]) for step in answer.context["steps"]]

    first, second, third = "Make an organization", "Add a cluster", "Submit a deployment"
    assert steps(start()) == [(first, ""), (second, ""), (third, "")]
    lab = OrganizationFactory()
    assert steps(start()) == [(first, "yes"), (second, ""), (third, "")]
    cluster = ClusterFactory(organization=lab)
    assert steps(start()) == [(first, "yes"), (second, "yes"), (third, "")]
    DeploymentFactory(cluster=cluster)
    assert steps(start()) == []
    Deployment.objects.all().delete()


def test_the_page_says_which_events_make_it_stale_and_which_parts_to_renew(start):
    text = start().content.decode()
    assert 'data-live-events="?"' in text
    for part in ("attention", "cards", "fleet", "charts", "panels"):
        assert f'data-live="{part}"' in text
    assert "console/live.js" in text
