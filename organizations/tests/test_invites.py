"""Invite codes: who gets in with one, how often, how long."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from accounts.tests.races import at_once
from organizations.models import Organization, new_invite_code
from organizations.services import regenerate_invite

pytestmark = pytest.mark.django_db


def join(api, user, code):
    return api(user).post("/join-organization", {"invite_code": code})


def invite(alice, lab, **limits):
    return regenerate_invite(actor=alice, organization=lab, **limits)


def let_it_expire(lab):
    Organization.objects.filter(pk=lab.pk).update(invite_expires_at=timezone.now() - timedelta(seconds=1))


def test_a_code_has_at_least_128_random_bits_and_no_two_are_alike():
    codes = {new_invite_code() for _ in range(1000)}
    assert len(codes) == 1000
    # Each character of the URL-safe alphabet carries six bits.
    assert min(map(len, codes)) * 6 >= 128


def test_who_joins_is_a_member_and_sees_the_organization_without_the_code(api, lab, charlie):
    answer = join(api, charlie, lab.invite_code)
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["role"]) == (lab.pk, "member")
    assert "invite_code" not in answer.json()
    assert api(charlie).get("/me").json()["organizations"] == [
        {"id": lab.pk, "name": "lab", "role": "member"}
    ]


def test_who_is_a_member_already_gets_a_409_and_uses_nothing_up(api, alice, lab, bob):
    code = invite(alice, lab, max_uses=1)
    for user in (alice, bob):
        assert join(api, user, code).status_code == 409
    lab.refresh_from_db()
    assert lab.invite_uses_left == 1
    assert api(alice).get(f"/organizations/{lab.pk}").json()["role"] == "owner"


def test_the_old_code_is_dead_at_once(api, alice, lab, charlie):
    old = lab.invite_code
    answer = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite")
    assert answer.status_code == 200
    assert answer.json()["invite_code"] != old
    assert join(api, charlie, old).status_code == 400
    assert join(api, charlie, answer.json()["invite_code"]).status_code == 200


def test_a_code_can_end_and_be_used_up(api, alice, lab, charlie):
    body = {"expires_at": "2099-01-01T00:00:00Z", "max_uses": 1}
    row = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite", body).json()
    assert (row["invite_expires_at"], row["invite_uses_left"]) == ("2099-01-01T00:00:00Z", 1)
    assert join(api, charlie, row["invite_code"]).status_code == 200
    assert join(api, UserFactory(), row["invite_code"]).status_code == 400
    assert api(alice).get(f"/organizations/{lab.pk}").json()["invite_uses_left"] == 0


def test_a_new_code_without_limits_has_none(api, alice, lab, charlie):
    invite(alice, lab, max_uses=1)
    row = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite", {}).json()
    assert (row["invite_expires_at"], row["invite_uses_left"]) == (None, None)
    for user in (charlie, UserFactory()):
        assert join(api, user, row["invite_code"]).status_code == 200


def test_unknown_old_expired_used_up_and_deleted_codes_answer_alike_by_the_same_queries(
    api, alice, lab, charlie
):
    client = api(charlie)
    client.get("/organizations")
    cases = {"unknown": new_invite_code(), "old": lab.invite_code}
    cases["used up"] = invite(alice, lab, max_uses=1)
    assert join(api, UserFactory(), cases["used up"]).status_code == 200
    answers = set()

    def ask(code):
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/join-organization", {"invite_code": code})
        # Up to the code itself; the names of savepoints count up.
        statements = [query["sql"].split("invite_code")[0] for query in queries]
        shapes = tuple(text for text in statements if "SAVEPOINT" not in text)
        answers.add((answer.status_code, answer.content, shapes))

    for code in cases.values():
        ask(code)
    expired = invite(alice, lab)
    let_it_expire(lab)
    ask(expired)
    gone = invite(alice, lab)
    Organization.objects.filter(pk=lab.pk).update(deleted_at=timezone.now())
    ask(gone)
    ((status, content, _),) = answers
    assert status == 400
    assert b"This invite code is not good" in content


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"invite_code": ""},
        {"invite_code": None},
        {"invite_code": 7},
        {"invite_code": "a\0b"},
        {"invite_code": "x" * 201},
        {"invite_code": {}},
    ],
)
def test_what_cannot_be_a_code_is_named(api, charlie, body):
    answer = api(charlie).post("/join-organization", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["invite_code"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 7}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"max_uses": 0}, "max_uses"),
        ({"max_uses": -1}, "max_uses"),
        ({"max_uses": 1.5}, "max_uses"),
        ({"max_uses": "3"}, "max_uses"),
        ({"max_uses": True}, "max_uses"),
        ({"max_uses": 10**12}, "max_uses"),
        ({"uses": 3}, "uses"),
    ],
)
def test_wrong_limits_are_named_and_the_code_lives_on(api, alice, lab, charlie, body, field):
    answer = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert join(api, charlie, lab.invite_code).status_code == 200


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999Z"])
def test_the_end_of_time_is_no_server_error(api, alice, lab, far):
    answer = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite", {"expires_at": far})
    assert answer.status_code in {200, 400}, answer.content


@pytest.mark.django_db(transaction=True)
def test_of_many_who_join_at_once_no_more_get_in_than_the_invite_allows(api, alice, lab):
    code = invite(alice, lab, max_uses=2)
    clients = [api(user) for user in UserFactory.create_batch(6)]
    answers = at_once(
        *[lambda c=client: c.post("/join-organization", {"invite_code": code}) for client in clients]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 400, 400, 400, 400]
    lab.refresh_from_db()
    assert (lab.invite_uses_left, lab.memberships.count()) == (0, 3)


@pytest.mark.django_db(transaction=True)
def test_who_joins_many_times_at_once_is_a_member_once_and_uses_one_up(api, alice, lab, charlie):
    code = invite(alice, lab, max_uses=5)
    answers = at_once(*[lambda: join(api, charlie, code)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    lab.refresh_from_db()
    assert (lab.invite_uses_left, lab.memberships.filter(user=charlie).count()) == (4, 1)


def test_invites_and_joins_are_on_record_without_the_code(api, alice, lab, charlie):
    row = api(alice).post(f"/organizations/{lab.pk}/regenerate-invite", {"max_uses": 3}).json()
    join(api, charlie, row["invite_code"])
    entries = AuditEntry.objects.filter(organization_id=lab.pk).order_by("id")
    assert [(entry.actor, entry.action, entry.detail) for entry in entries] == [
        (alice, "organization.invite_regenerated", {"expires_at": None, "max_uses": 3}),
        (charlie, "organization.joined", {}),
    ]
