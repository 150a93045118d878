"""What an organization used, on its page and as a file."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from deployments.tests.factories import DeploymentFactory
from organizations.tests.factories import OrganizationFactory
from scheduling.models import UsageHour
from scheduling.usage import SPANS, by_user, over_time


@pytest.fixture
def used(lab, alice, bob):
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)

    def add(user, hours_ago, gpu_hours, priority=2, organization=lab):
        UsageHour.objects.create(
            organization=organization, user=user, priority=priority, hour=this_hour - timedelta(hours=hours_ago),
            gpu_seconds=gpu_hours * 3600, cpu_seconds=0, ram_gb_seconds=7200,
        )  # fmt: skip

    add(alice, 0, 1)
    add(alice, 3, 2)
    add(alice, 3, 4, priority=3)
    add(bob, 23, 8)
    add(None, 5, 0.5)
    add(bob, 24, 16)
    add(bob, 24 * 29, 32)
    add(alice, 1, 64, organization=OrganizationFactory())


def page(lab):
    return reverse("admin:organizations_organization_change", args=[lab.pk])


@pytest.mark.parametrize(("name", "total"), [("24h", 15.5), ("7d", 31.5), ("30d", 63.5)])
@pytest.mark.usefixtures("used")
def test_a_range_has_its_hours_and_the_drawing_the_same(lab, name, total):
    assert sum(one.gpu for one in by_user(organization_id=lab.pk, span=SPANS[name])) == total
    bars = over_time(organization_id=lab.pk, span=SPANS[name])
    assert sum(hours for _, hours in bars) == total
    assert len(bars) == SPANS[name].length / SPANS[name].step


@pytest.mark.usefixtures("used")
def test_the_page_tells_by_user_and_priority_and_leads_to_the_other_ranges(console, lab):
    shown = console.get(page(lab), {"range": "24h"}).content.decode()
    assert "Used in the last 24 hours" in shown
    assert f'href="{page(lab)}?range=30d"' in shown
    assert "somebody who is gone" in shown
    panels = {panel.title: panel for panel in console.get(page(lab), {"range": "7d"}).context["panels"]}
    rows = [[str(cell) for cell in row] for row in panels["Used in the last 7 days"].rows]
    assert [(row[0], row[2]) for row in rows] == [
        ("bob", "24.00"),
        ("alice", "4.00"),
        ("alice", "3.00"),
        ("somebody who is gone", "0.50"),
    ]


@pytest.mark.usefixtures("used")
def test_the_file_has_the_same_rows_and_no_formula(console, lab):
    evil = UserFactory(username="@SUM")
    UsageHour.objects.create(
        organization=lab,
        user=evil,
        priority=1,
        hour=timezone.now(),
        gpu_seconds=36,
        cpu_seconds=0,
        ram_gb_seconds=0,
    )
    answer = console.get(
        reverse("admin:organizations_organization_see", args=[lab.pk, "usage"]), {"range": "7d"}
    )
    assert answer["Content-Type"].startswith("text/csv")
    head, first, *_, last = answer.content.decode().splitlines()
    assert head == "user,priority,gpu_hours,core_hours,gb_hours"
    assert first == "bob,MEDIUM,24.0000,0.0000,4.0000"
    assert last == "'@SUM,LOW,0.0100,0.0000,0.0000"


def test_what_is_held_now_is_told_by_user(console, cluster, lab, alice, bob):
    for user, gpu in ((alice, 1), (alice, 2), (bob, 1)):
        DeploymentFactory(cluster=cluster, created_by=user, gpu=gpu, status="running")
    DeploymentFactory(cluster=cluster, created_by=bob, gpu=4)
    (panel,) = [one for one in console.get(page(lab)).context["panels"] if one.title == "In use now"]
    assert [(row[0], row[1], row[2].split(" · ")[0]) for row in panel.rows] == [
        ("alice", 2, "3\N{NO-BREAK SPACE}GPUs"),
        ("bob", 1, "1\N{NO-BREAK SPACE}GPU"),
    ]
