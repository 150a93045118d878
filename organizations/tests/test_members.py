"""Members: who may make whom what, and who may go."""

import pytest

from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from organizations.models import Membership, Role
from organizations.tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
ABSENT = 999_999_999
# Who may change and remove whom, and to what.
MANAGES = {
    "owner": {"owner", "admin", "member", "viewer"},
    "admin": {"member", "viewer"},
    "member": set(),
    "viewer": set(),
}


def address(lab, user=None):
    return f"/organizations/{lab.pk}/members" + (f"/{user.pk}" if user else "")


def member(lab, role):
    return MembershipFactory(organization=lab, role=role).user


def role_of(lab, user):
    return Membership.objects.filter(organization=lab, user=user).values_list("role", flat=True).first()


def test_every_member_sees_the_list_in_pages_and_nobody_else(api, alice, lab, bob, charlie):
    viewer = member(lab, Role.VIEWER)
    page = api(viewer).get(address(lab) + "?limit=2").json()
    assert [(row["username"], row["role"]) for row in page["results"]] == [
        ("alice", "owner"),
        ("bob", "member"),
    ]
    assert page["results"][0].keys() == {"user_id", "username", "role", "joined_at"}
    rest = api(viewer).get(page["next"]).json()
    assert [row["user_id"] for row in rest["results"]] == [viewer.pk]
    assert rest["next"] is None
    assert api(charlie).get(address(lab)).status_code == 404
    assert api().get(address(lab)).status_code == 401


def test_the_list_is_filtered_and_ordered(api, alice, lab, bob):
    def names(query):
        return [row["username"] for row in api(alice).get(address(lab) + query).json()["results"]]

    assert names("?role=owner") == ["alice"]
    assert names("?role=owner&role=member&ordering=-user_id") == ["bob", "alice"]
    assert names("?username=BO") == ["bob"]
    assert api(alice).get(address(lab) + "?role=king").status_code == 400


@pytest.mark.parametrize("new", Role.values)
@pytest.mark.parametrize("old", Role.values)
@pytest.mark.parametrize("mine", Role.values)
def test_who_may_make_whom_what(api, lab, mine, old, new):
    actor, target = member(lab, mine), member(lab, old)
    answer = api(actor).patch(address(lab, target), {"role": new})
    allowed = {old, new} <= MANAGES[mine]
    assert answer.status_code == (200 if allowed else 403), answer.content
    assert role_of(lab, target) == (new if allowed else old)
    if allowed:
        assert answer.json()["role"] == new


@pytest.mark.parametrize("old", Role.values)
@pytest.mark.parametrize("mine", Role.values)
def test_who_may_remove_whom(api, lab, mine, old):
    actor, target = member(lab, mine), member(lab, old)
    allowed = old in MANAGES[mine]
    assert api(actor).delete(address(lab, target)).status_code == (204 if allowed else 403)
    assert role_of(lab, target) == (None if allowed else old)


@pytest.mark.parametrize("role", Role.values)
def test_everybody_may_leave(api, lab, role):
    user = member(lab, role)
    assert api(user).delete(address(lab, user)).status_code == 204
    assert api(user).get(address(lab)).status_code == 404


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete"])
def test_a_user_elsewhere_answers_like_one_who_does_not_exist(api, alice, lab, charlie, verb):
    answers = []
    for id_ in (charlie.pk, ABSENT, int("9" * 30)):
        answer = getattr(api(alice), verb)(
            f"{address(lab)}/{id_}", {"role": "viewer"} if verb != "get" else None
        )
        answers.append((answer.status_code, answer.content))
    assert set(answers) == {answers[0]}
    assert answers[0][0] == 404


def test_a_member_without_the_right_cannot_tell_who_exists_either(api, lab, bob, charlie):
    answers = set()
    for id_ in (charlie.pk, ABSENT):
        for verb in ("patch", "delete"):
            answer = getattr(api(bob), verb)(f"{address(lab)}/{id_}", {"role": "viewer"})
            answers.add((answer.status_code, answer.content))
    assert len(answers) == 1


def test_the_last_owner_neither_steps_down_nor_leaves(api, alice, lab):
    member(lab, Role.ADMIN)
    for answer in (
        api(alice).patch(address(lab, alice), {"role": "admin"}),
        api(alice).delete(address(lab, alice)),
    ):
        assert answer.status_code == 409
        assert "Make another member owner first" in answer.json()["detail"]
    assert role_of(lab, alice) == "owner"


def test_an_owner_who_cannot_sign_in_does_not_count_as_the_other_owner(api, alice, lab):
    MembershipFactory(organization=lab, role=Role.OWNER, user__is_active=False)
    assert api(alice).delete(address(lab, alice)).status_code == 409


def test_an_owner_hands_over_and_leaves(api, alice, lab, bob):
    assert api(alice).patch(address(lab, bob), {"role": "owner"}).status_code == 200
    assert api(alice).delete(address(lab, alice)).status_code == 204
    assert role_of(lab, bob) == "owner"


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_what_is_read_only_or_unchanged_is_ignored(api, alice, lab, bob, verb):
    row = api(alice).get(address(lab, bob)).json()
    assert getattr(api(alice), verb)(address(lab, bob), row | {"username": "robert"}).json() == row
    assert getattr(api(alice), verb)(address(lab, bob), {}).json() == row
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "king"}, "role"),
        ({"role": None}, "role"),
        ({"role": 1}, "role"),
        ({"role": ["owner"]}, "role"),
        ({"role": {}}, "role"),
        ({"role": ""}, "role"),
        ({"rank": "owner"}, "rank"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(api, alice, lab, bob, body, field):
    answer = api(alice).patch(address(lab, bob), body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert role_of(lab, bob) == "member"


def test_removal_holds_from_the_next_request_on_and_the_known_invite_is_dead(api, alice, lab, bob):
    client, code = api(bob), lab.invite_code
    assert client.get(f"/organizations/{lab.pk}").status_code == 200
    assert api(alice).delete(address(lab, bob)).status_code == 204
    assert client.get(f"/organizations/{lab.pk}").status_code == 404
    assert client.get("/me").json()["organizations"] == []
    assert client.post("/join-organization", {"invite_code": code}).status_code == 400
    new = api(alice).get(f"/organizations/{lab.pk}").json()["invite_code"]
    assert client.post("/join-organization", {"invite_code": new}).status_code == 200


def test_who_leaves_may_come_back_with_the_same_invite(api, lab, bob):
    assert api(bob).delete(address(lab, bob)).status_code == 204
    assert api(bob).post("/join-organization", {"invite_code": lab.invite_code}).status_code == 200


def test_a_demotion_holds_from_the_next_request_on(api, alice, lab):
    admin = member(lab, Role.ADMIN)
    client = api(admin)
    assert client.patch(f"/organizations/{lab.pk}", {"name": "attic"}).status_code == 200
    assert api(alice).patch(address(lab, admin), {"role": "viewer"}).status_code == 200
    assert client.patch(f"/organizations/{lab.pk}", {"name": "cellar"}).status_code == 403


def test_changes_are_on_record(api, alice, lab, bob):
    gone = member(lab, Role.MEMBER)
    api(alice).patch(address(lab, bob), {"role": "admin"})
    api(alice).delete(address(lab, gone))
    api(bob).delete(address(lab, bob))
    entries = AuditEntry.objects.filter(organization_id=lab.pk, target=f"organization:{lab.pk}").order_by(
        "id"
    )
    assert [(entry.actor, entry.action, entry.detail) for entry in entries] == [
        (alice, "member.role_changed", {"user": bob.pk, "old": "member", "new": "admin"}),
        (alice, "member.removed", {"user": gone.pk}),
        (bob, "member.left", {"user": bob.pk}),
    ]


def test_nobody_outside_can_put_themselves_in(api, lab):
    stranger = UserFactory()
    for verb in ("put", "patch", "delete"):
        assert getattr(api(stranger), verb)(address(lab, stranger), {"role": "owner"}).status_code == 404
    assert role_of(lab, stranger) is None
