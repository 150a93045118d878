"""Organizations: create, list, rename, delete, and what one request costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from organizations.models import Organization, Role
from organizations.tests.factories import MembershipFactory, OrganizationFactory

pytestmark = pytest.mark.django_db


def test_who_creates_an_organization_owns_it(api, charlie):
    answer = api(charlie).post("/organizations", {"name": "  garage  "})
    assert answer.status_code == 201
    row = answer.json()
    assert (row["name"], row["role"]) == ("garage", "owner")
    assert api(charlie).get(answer["Location"]).json() == row
    assert api(charlie).get("/organizations").json()["results"] == [row]


@pytest.mark.parametrize("role", Role.values)
def test_the_invite_is_shown_to_those_who_may_invite(api, lab, role):
    user = MembershipFactory(organization=lab, role=role).user
    shown = {"invite_code", "invite_expires_at", "invite_uses_left"}
    for row in (
        api(user).get(f"/organizations/{lab.pk}").json(),
        api(user).get("/organizations").json()["results"][0],
    ):
        assert row["role"] == role
        assert shown & row.keys() == (shown if role in {"owner", "admin"} else set())


def test_the_list_costs_one_query_and_none_on_users(api, alice, lab):
    OrganizationFactory.create_batch(3, owner=alice)
    client = api(alice)
    client.get("/organizations")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(client.get("/organizations").json()["results"]) == 4
    assert len(queries) == 1
    assert "accounts_user" not in queries[0]["sql"]


def test_one_organization_and_its_members_cost_no_query_on_the_caller(
    api, alice, lab, bob, django_assert_num_queries
):
    client = api(alice)
    client.get("/organizations")
    with django_assert_num_queries(1):
        client.get(f"/organizations/{lab.pk}")
    with django_assert_num_queries(2):
        client.get(f"/organizations/{lab.pk}/members")


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_put_and_patch_rename_and_ignore_what_is_read_only(api, alice, lab, verb):
    client = api(alice)
    row = client.get(f"/organizations/{lab.pk}").json()
    answer = getattr(client, verb)(f"/organizations/{lab.pk}", row | {"name": "attic", "invite_code": "mine"})
    assert answer.status_code == 200
    assert answer.json() == row | {"name": "attic"}
    assert getattr(client, verb)(f"/organizations/{lab.pk}", {}).json() == row | {"name": "attic"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": ["lab"]}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "lab", "owner": 1}, "owner"),
        ({"name": "lab", "deleted_at": None}, "deleted_at"),
    ],
)
def test_wrong_input_is_named_and_creates_nothing(api, charlie, body, field):
    answer = api(charlie).post("/organizations", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Organization.objects.exists()


@pytest.mark.parametrize("id_", ["0", "999999999", "9" * 30])
@pytest.mark.parametrize("path", ["", "/members", "/members/1"])
def test_an_id_that_nobody_has_is_a_404(api, alice, id_, path):
    assert api(alice).get(f"/organizations/{id_}{path}").status_code == 404


def test_a_deleted_organization_is_gone_for_its_members_and_its_invite_is_dead(api, alice, lab, bob, charlie):
    assert api(alice).delete(f"/organizations/{lab.pk}").status_code == 204
    for user in (alice, bob):
        assert api(user).get(f"/organizations/{lab.pk}").status_code == 404
        assert api(user).get(f"/organizations/{lab.pk}/members").status_code == 404
        assert api(user).delete(f"/organizations/{lab.pk}/members/{user.pk}").status_code == 404
        assert api(user).get("/organizations").json()["results"] == []
        assert api(user).get("/me").json()["organizations"] == []
    assert api(charlie).post("/join-organization", {"invite_code": lab.invite_code}).status_code == 400
    assert api(alice).delete(f"/organizations/{lab.pk}").status_code == 404


def test_deeds_are_on_record_with_the_organization(api, charlie):
    client = api(charlie)
    id_ = client.post("/organizations", {"name": "garage"}).json()["id"]
    for name in ("attic", "attic"):
        client.patch(f"/organizations/{id_}", {"name": name})
    client.delete(f"/organizations/{id_}")
    assert [
        (entry.actor_id, entry.action, entry.target, entry.organization_id, entry.detail, entry.address)
        for entry in AuditEntry.objects.order_by("id")
    ] == [
        (charlie.pk, action, f"organization:{id_}", id_, detail, "127.0.0.1")
        for action, detail in (
            ("organization.created", {"name": "garage"}),
            ("organization.renamed", {"old": "garage", "new": "attic"}),
            ("organization.deleted", {}),
        )
    ]
