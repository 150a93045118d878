"""The page of a cluster: who ran when, who waits in which order, what a cycle would do, and what was simulated."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from clusters.models import Cluster
from deployments.models import Deployment, Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import evict, in_state, last, live, run
from organizations.tests.factories import OrganizationFactory
from scheduling.admin import timeline
from scheduling.admin.plan import MOST
from scheduling.models import ClusterPolicy, Simulation

PLAN = "admin:clusters_cluster_see"


@pytest.fixture
def page(console, cluster):
    def get(**query):
        answer = console.get(reverse("admin:clusters_cluster_change", args=[cluster.pk]), query)
        assert answer.status_code == 200
        return answer

    return get


@pytest.fixture
def plan(console, cluster):
    def get():
        answer = console.get(reverse(PLAN, args=[cluster.pk, "plan"]))
        assert answer.status_code == 200
        return answer

    return get


def panel(answer, title):
    return next(one for one in answer.context["panels"] if one.title.startswith(title))


def drawn(answer) -> str:
    return str(panel(answer, "Who ran when").svg)


def test_each_run_of_the_range_is_a_bar_coloured_by_its_priority(page, cluster):
    run(DeploymentFactory(cluster=cluster, name="urgent", priority=3))
    in_state(cluster, Status.COMPLETED, name="done", priority=1)
    old = in_state(cluster, Status.COMPLETED, name="long ago")
    Run.objects.filter(deployment=old).update(
        booked_at=timezone.now() - timedelta(hours=9), ended_at=timezone.now() - timedelta(hours=8)
    )
    told = drawn(page(range="1h"))
    assert "urgent" in told
    assert 'class="run-high"' in told
    assert 'class="run-low' in told
    assert "long ago" not in told
    assert "long ago" in drawn(page(range="24h"))
    assert 'role="img"' in told
    assert "2 runs from" in told


def test_without_a_range_it_shows_the_hour_in_which_all_began_else_six(page, cluster):
    def here(answer):
        return next(way.address for way in panel(answer, "Who ran when").ways if way.is_here)

    run(DeploymentFactory(cluster=cluster, priority=3))
    assert here(page()) == "?range=1h"
    assert here(page(range="6h")) == "?range=6h"
    old = in_state(cluster, Status.COMPLETED)
    Run.objects.filter(deployment=old).update(booked_at=timezone.now() - timedelta(hours=2))
    assert here(page()) == "?range=6h"


def test_a_preemption_is_marked_and_told(page, cluster):
    victim, preemptor = (DeploymentFactory(cluster=cluster, priority=priority) for priority in (1, 3))
    run(victim)
    assert '<path class="run-preempted"' not in drawn(page())
    evict(victim, preemptor)
    told = drawn(page())
    assert '<path class="run-preempted"' in told
    assert "run-stopping" in told
    assert f"preempted at {live(victim).stop_requested_at:%Y-%m-%d %H:%M:%S}" in told
    assert "preempted: 1." in told


def test_a_long_history_is_cut_and_says_so(page, cluster):
    one = in_state(cluster, Status.COMPLETED)
    copy = last(one)
    for _ in range(timeline.MOST):
        copy.pk = None
        copy.save()
        copy.allocations.create(cluster=cluster, gpu=0, cpu=0, ram=0)
    answer = page()
    wide, narrow = drawn(answer).split("</svg>")[:2]
    assert wide.count("<g>") == narrow.count("<g>") == timeline.MOST
    assert "that ended last are shown" in panel(answer, "Who ran when").note


def test_a_quiet_cluster_says_that_nothing_ran(page):
    assert "Nothing ran here in the last 7 d." in page(range="7d").content.decode()
    assert "Nothing ran here in the last 6 h." in page(range="nonsense").content.decode()


def queue(answer) -> list[str]:
    text = [str(row[1]) for row in panel(answer, "Queue").rows]
    return [name for one in text for name in ("first", "second", "third") if name in one]


def test_the_queue_has_the_order_of_its_policy(page, cluster, lab):
    other = OrganizationFactory()
    DeploymentFactory(cluster=cluster, name="first", gpu=8)
    DeploymentFactory(cluster=cluster, name="second", gpu=8, expected_seconds=60)
    DeploymentFactory(cluster=cluster, name="third", priority=3, organization=other, gpu=8)
    assert queue(page()) == ["third", "first", "second"]
    ClusterPolicy.objects.create(cluster=cluster, shortest_first=True)
    assert queue(page()) == ["third", "second", "first"]
    assert [row[0] for row in panel(page(), "Queue").rows] == [1, 2, 3]


def test_the_plan_tells_who_would_start_stop_stay_and_wait_and_changes_nothing(plan, cluster):
    cheap, dear = (
        run(one) or one for one in DeploymentFactory.create_batch(2, cluster=cluster, priority=1, gpu=4)
    )
    Run.objects.filter(deployment=dear).update(booked_at=timezone.now() - timedelta(hours=5))
    Deployment.objects.filter(pk=dear.pk).update(started_at=timezone.now() - timedelta(hours=5))
    ClusterPolicy.objects.create(cluster=cluster, preset="least_waste")
    urgent = DeploymentFactory(cluster=cluster, name="urgent", priority=3, gpu=4)
    small = DeploymentFactory(cluster=cluster, name="small", priority=3, gpu=0)
    waits = DeploymentFactory(cluster=cluster, name="waits", priority=1, gpu=8)
    before = list(Deployment.objects.values_list("pk", "status", "reason"))
    answer = plan()

    def ids(title) -> list[str]:
        return [str(row) for row in panel(answer, title).rows]

    assert small.name in ids("Would start: 1")[0]
    assert urgent.name in ids("Would be promised room: 1")[0]
    assert cheap.name in ids("Would be told to stop: 1")[0]
    assert urgent.name in ids("Would be told to stop: 1")[0]
    assert "none could be exchanged for one that loses less" in panel(answer, "Would be told").note
    assert dear.name in ids("Could have gone, and stays: 1")[0]
    assert [
        name in row for name, row in zip(("urgent", "waits"), ids("Would go on waiting: 2"), strict=True)
    ] == [True] * 2
    assert waits.name in answer.content.decode()
    assert list(Deployment.objects.values_list("pk", "status", "reason")) == before


def test_a_long_queue_is_cut_and_says_how_many_more(plan, cluster):
    DeploymentFactory.create_batch(MOST + 3, cluster=cluster, gpu=9)
    answer = plan()
    assert len(list(panel(answer, "Would go on").rows)) == MOST
    assert "3 more wait behind them" in panel(answer, "Would go on").note


def test_a_plan_takes_few_queries_whatever_it_decides(plan, cluster, django_assert_max_num_queries):
    for priority in (1, 3):
        DeploymentFactory.create_batch(20, cluster=cluster, priority=priority)
    with django_assert_max_num_queries(20):
        plan()


def test_of_a_deleted_or_absent_cluster_there_is_no_plan(console, cluster):
    Cluster.objects.filter(pk=cluster.pk).update(deleted_at=timezone.now())
    assert console.get(reverse(PLAN, args=[cluster.pk, "plan"])).status_code == 404
    assert console.get(reverse(PLAN, args=[cluster.pk + 99, "plan"])).status_code == 404


@pytest.mark.parametrize("who", ["nobody", "owner", "staff"])
def test_who_is_not_let_into_the_console_sees_no_plan(who, cluster, alice):
    browser = Client()
    if who != "nobody":
        user = alice if who == "owner" else UserFactory(is_staff=True)
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(reverse(PLAN, args=[cluster.pk, "plan"]))
    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")


def test_an_owner_in_the_console_sees_their_cluster_but_no_plan_and_no_button_for_it(cluster, alice):
    alice.is_staff = True
    alice.save()
    browser = Client()
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(reverse("admin:clusters_cluster_change", args=[cluster.pk]))
    assert "Pause" in buttons(answer)
    assert "Plan" not in buttons(answer)
    assert browser.get(reverse(PLAN, args=[cluster.pk, "plan"])).status_code == 404


def buttons(answer) -> dict[str, str]:
    return {button["title"]: button["path"] for button in answer.context["actions_detail"]}


def test_the_buttons_of_a_cluster_follow_what_it_is(page, cluster):
    shown = buttons(page())
    assert list(shown) == ["Pause", "Check now", "Run the scheduler now", "Plan", "Simulate"]
    Cluster.objects.update(paused=True)
    assert "Resume" in buttons(page())
    Cluster.objects.update(deleted_at=timezone.now())
    assert not buttons(page()).keys() & {"Plan", "Simulate", "Run the scheduler now"}


def test_simulate_asks_with_the_cluster_and_a_week_chosen_and_what_came_of_it_is_kept_on_its_page(
    page, console, cluster, operator
):
    form = console.get(buttons(page())["Simulate"]).context["adminform"].form
    assert (int(form["cluster"].value()), int(form["days"].value())) == (cluster.pk, 7)
    assert "None yet." in page().content.decode()
    made = Simulation.objects.create(
        cluster=cluster, asked_by=operator, days=7, policies=["balanced"], state="running", progress=42
    )
    assert "42 % of the jobs ended" in page().content.decode()
    Simulation.objects.filter(pk=made.pk).update(state="done", progress=100, result={})
    assert reverse("admin:scheduling_simulation_change", args=[made.pk]) in page().content.decode()


def test_the_page_is_told_of_this_clusters_events(page, cluster):
    text = page().content.decode()
    assert f'data-live-events="?cluster={cluster.pk}"' in text
    assert 'data-live="panels"' in text


def test_a_refused_form_leaves_the_panels_as_they_are(console, cluster):
    DeploymentFactory(cluster=cluster, name="waits")
    answer = console.post(reverse("admin:clusters_cluster_change", args=[cluster.pk]), {"name": ""})
    assert answer.status_code == 200
    assert "waits" in str(list(panel(answer, "Queue").rows))
