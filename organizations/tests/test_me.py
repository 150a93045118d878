"""GET and PATCH /me."""

import pytest

from accounts.tests.races import at_once
from organizations.tests.factories import MembershipFactory, OrganizationFactory

pytestmark = pytest.mark.django_db


def test_me_is_the_caller_with_organizations_and_roles(api, alice, lab):
    guest_of = MembershipFactory(
        user=alice, role="viewer", organization=OrganizationFactory(name="attic")
    ).organization
    answer = api(alice).get("/me").json()
    assert answer.keys() == {"id", "username", "email", "created_at", "organizations"}
    assert (answer["id"], answer["username"], answer["email"]) == (alice.pk, "alice", "alice@example.org")
    assert answer["organizations"] == [
        {"id": lab.pk, "name": "lab", "role": "owner"},
        {"id": guest_of.pk, "name": "attic", "role": "viewer"},
    ]


@pytest.mark.parametrize("email", [None, ""])
def test_the_email_can_be_cleared(api, alice, email):
    assert api(alice).patch("/me", {"email": email}).json()["email"] is None


def test_what_is_not_named_or_read_only_stays(api, alice):
    before = api(alice).get("/me").json()
    answer = api(alice).patch("/me", before | {"id": 7, "created_at": None, "organizations": []})
    assert answer.json() == before
    assert api(alice).patch("/me", {}).json() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "BOB"}, "username"),
        ({"username": ""}, "username"),
        ({"username": None}, "username"),
        ({"username": "al ice"}, "username"),
        ({"username": 7}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"email": "BOB@example.org"}, "email"),
        ({"email": "nowhere"}, "email"),
        ({"email": 7}, "email"),
        ({"password": "x"}, "password"),
        ({"is_staff": True}, "is_staff"),
        ({"is_superuser": True}, "is_superuser"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(api, alice, bob, body, field):
    before = api(alice).get("/me").json()
    answer = api(alice).patch("/me", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert api(alice).get("/me").json() == before


def test_ones_own_name_in_another_case_is_free(api, alice):
    assert api(alice).patch("/me", {"username": "Alice"}).json()["username"] == "Alice"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_name_at_once_one_gets_it(api, alice, bob):
    clients = [api(alice), api(bob)]
    answers = at_once(*[lambda c=client: c.patch("/me", {"username": "zoe"}) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200, 400]
