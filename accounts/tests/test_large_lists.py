"""Lists of more rows than they show, and the search that goes beside their indexes."""

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from accounts.admin import large_lists
from accounts.models import AuditEntry, RefreshFamily
from accounts.tests.factories import UserFactory

LIST = "admin:accounts_auditentry_changelist"


@pytest.fixture
def twelve(db, monkeypatch):
    """Twelve entries, of which a list reaches ten; the older an entry, the later its target in the alphabet."""
    monkeypatch.setattr(large_lists, "REACH", 10)
    monkeypatch.setattr(admin.site._registry[AuditEntry], "list_per_page", 4)
    return [
        AuditEntry.objects.create(action="a.b" if n % 2 else "c.d", target=f"x:{99 - n}") for n in range(12)
    ]


def shown(console, **query):
    return console.get(reverse(LIST), query).context["cl"]


def test_a_list_turns_through_what_it_reaches_and_no_further(console, twelve):
    pages = [shown(console, p=number) for number in (1, 2, 3)]
    assert [row for page in pages for row in page.result_list] == twelve[:1:-1]
    assert console.get(reverse(LIST), {"p": 4}).status_code == 302


def test_a_list_says_that_there_are_more_and_about_how_many(console, twelve):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_auditentry")
    text = console.get(reverse(LIST)).content.decode()
    assert "10+" in text
    assert "About 12 in all; here are the first 10." in text


def test_a_narrowed_list_estimates_nothing(console, twelve):
    AuditEntry.objects.bulk_create([AuditEntry(action="a.b") for _ in range(20)])
    text = console.get(reverse(LIST), {"action": "a.b"}).content.decode()
    assert "There are more; here are the first 10." in text


def test_a_list_that_shows_all_says_nothing_of_more(console, twelve):
    page = shown(console, action="a.b")
    assert (page.result_count, page.paginator.left_out) == (6, "")
    assert list(page.result_list) == twelve[11:3:-2]


def test_ordered_by_something_else_the_newest_are_ordered(console, twelve):
    page = shown(console, o=3)
    assert list(page.result_list) == twelve[11:7:-1]
    assert twelve[0] not in page.result_list
    assert "the newest 10" in page.paginator.left_out


def test_the_oldest_come_first_when_they_are_asked_for(console, twelve):
    assert list(shown(console, o=0).result_list) == twelve[:4]


def test_a_search_finds_by_the_beginning_of_a_target_of_a_name_and_by_an_address(console, operator):
    carol = UserFactory(username="Carol")
    one = AuditEntry.objects.create(action="a.b", target="cluster:7", actor=carol, address="10.1.2.3")
    AuditEntry.objects.create(action="a.b", target="deployment:7", address="10.1.2.4")
    for phrase in ("cluster:7", "carol", "car", " 10.1.2.3 "):
        assert list(shown(console, q=phrase).result_list) == [one], phrase
    for phrase in ("arol", "7", "nobody", "10.1.2"):
        assert list(shown(console, q=phrase).result_list) == [], phrase


def test_a_number_too_large_for_an_id_finds_nothing(console, cluster):
    answer = console.get(reverse("admin:clusters_cluster_changelist"), {"q": "9" * 30})
    assert list(answer.context["cl"].result_list) == []


def test_the_filter_by_action_offers_each_action_once(console, twelve):
    spec = next(spec for spec in shown(console).filter_specs if spec.title == "action")
    assert list(spec.lookup_choices) == ["a.b", "c.d"]


def test_sign_ins_are_listed_from_the_newest_on(console, operator):
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    made = [
        RefreshFamily.objects.create(user=operator, current_jti="x", expires_at=now + timedelta(hours=n))
        for n in range(5)
    ]
    answer = console.get(reverse("admin:accounts_refreshfamily_changelist"))
    assert list(answer.context["cl"].result_list) == made[::-1]
