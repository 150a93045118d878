"""Sharing a cluster with other organizations: who may, what guests see, and what they may not."""

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import NotFound
from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from clusters.models import Cluster, ClusterEvent, ClusterShare
from clusters.services import delete_cluster
from clusters.sharing.selectors import weights_by_cluster
from clusters.sharing.services import set_shares, share_cluster, unshare_cluster
from clusters.tests.factories import ClusterFactory
from organizations.services import delete_organization
from organizations.tests.factories import MembershipFactory, OrganizationFactory


@pytest.fixture
def gina(db):
    """Owns an organization that is a guest."""
    return UserFactory(username="gina")


@pytest.fixture
def guests(gina):
    return OrganizationFactory(name="guests", owner=gina)


@pytest.fixture
def shared(alice, cluster, guests):
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk, weight=2)
    cluster.refresh_from_db()
    return cluster


def shares(api, who, cluster, status=200):
    answer = api(who).get(f"/clusters/{cluster.pk}/shares")
    assert answer.status_code == status, answer.content
    return answer.json().get("shares")


def put(api, who, cluster, *pairs, status=200):
    body = {"shares": [{"organization_id": id_, "weight": weight} for id_, weight in pairs]}
    answer = api(who).put(f"/clusters/{cluster.pk}/shares", body)
    assert answer.status_code == status, answer.content
    return answer.json()


def of(organization, weight=1):
    return {"organization_id": organization.pk, "weight": weight}


def test_a_cluster_is_its_owners_alone_until_it_is_shared(api, alice, gina, guests, lab, cluster):
    assert shares(api, alice, cluster) == [of(lab)]
    shares(api, gina, cluster, 404)
    assert put(api, alice, cluster, (guests.pk, 3))["shares"] == [of(lab), of(guests, 3)]
    assert api(gina).get(f"/clusters/{cluster.pk}").status_code == 200


def test_a_put_replaces_the_list_and_the_owner_is_always_in_it(api, alice, gina, guests, lab, cluster):
    other = OrganizationFactory()
    put(api, alice, cluster, (lab.pk, 5), (guests.pk, 2))
    assert put(api, alice, cluster, (other.pk, 4))["shares"] == [of(lab), of(other, 4)]
    shares(api, gina, cluster, 404)
    assert put(api, alice, cluster)["shares"] == [of(lab)]


def test_what_was_read_may_be_sent_back_and_is_no_change(api, alice, shared):
    shown = api(alice).get(f"/clusters/{shared.pk}/shares").json()
    assert api(alice).put(f"/clusters/{shared.pk}/shares", shown).json() == shown
    assert ClusterEvent.objects.filter(kind="shares_changed").count() == 1


def test_an_organization_that_is_not_there_answers_like_a_deleted_one(api, alice, cluster):
    owner = UserFactory()
    gone = OrganizationFactory(owner=owner)
    delete_organization(actor=owner, organization=gone)
    answers = [put(api, alice, cluster, (id_, 1), status=400)["errors"] for id_ in (gone.pk, 10**9)]
    assert answers[0] == answers[1]
    assert answers[0][0]["field"] == "shares[0].organization_id"
    assert not ClusterShare.objects.exists()


def test_an_organization_named_twice_is_refused(api, alice, guests, cluster):
    (error,) = put(api, alice, cluster, (guests.pk, 1), (guests.pk, 2), status=400)["errors"]
    assert error["field"] == "shares[1].organization_id"


def test_only_those_who_manage_the_owners_clusters_share_it(api, bob, gina, lab, guests, shared):
    admin, viewer = (MembershipFactory(organization=lab, role=role).user for role in ("admin", "viewer"))
    put(api, admin, shared, (guests.pk, 2))
    for who in (bob, viewer, gina):
        put(api, who, shared, (guests.pk, 2), status=403)


def test_guests_see_their_own_share_and_not_who_else_has_one(api, alice, bob, gina, guests, lab, shared):
    other = OrganizationFactory()
    share_cluster(actor=alice, cluster_id=shared.pk, organization_id=other.pk)
    assert shares(api, gina, shared) == [of(guests, 2)]
    assert shares(api, bob, shared) == [of(lab), of(guests, 2), of(other)]


def test_guests_see_the_room_and_nothing_of_the_engine(api, alice, gina, shared):
    facts = {"version": "28.3.1", "facts": {"operating_system": "Debian"}, "endpoint": "ssh://root@box"}
    Cluster.objects.filter(pk=shared.pk).update(
        engine_facts=facts, engine_problem="10.0.0.1 refused", sized_by_engine=["cpu"],
        checked_at=shared.created_at, connection="secret",
    )  # fmt: skip
    mine, theirs = (api(who).get(f"/clusters/{shared.pk}").json() for who in (alice, gina))
    hidden = {"engine_version": "", "engine_problem": "", "checked_at": None, "sized_by_engine": []}
    assert theirs == mine | hidden
    assert (mine["engine_version"], mine["engine_problem"]) == ("28.3.1", "10.0.0.1 refused")
    (listed,) = api(gina).get("/clusters").json()["results"]
    assert listed == theirs


def test_a_member_of_both_sees_it_once_and_as_the_owners_member(api, alice, lab, gina, guests, shared):
    MembershipFactory(organization=lab, user=gina, role="admin")
    (listed,) = api(gina).get("/clusters").json()["results"]
    assert listed["id"] == shared.pk
    assert api(gina).patch(f"/clusters/{shared.pk}", {"name": "renamed"}).status_code == 200


@pytest.mark.parametrize("verb", ["PATCH", "PUT", "DELETE"])
def test_a_guest_changes_nothing_and_is_told_whose_it_is(verb, api, gina, shared):
    answer = api(gina).generic(verb, f"/clusters/{shared.pk}", b'{"paused": true}', "application/json")
    assert answer.status_code == 403
    assert "another organization's" in answer.json()["detail"]


def test_who_leaves_the_guests_sees_the_cluster_no_more(api, gina, guests, shared):
    member = MembershipFactory(organization=guests).user
    assert api(member).get(f"/clusters/{shared.pk}").status_code == 200
    guests.memberships.filter(user=member).delete()
    assert api(member).get(f"/clusters/{shared.pk}").status_code == 404


def test_a_deleted_organization_has_no_share(api, alice, lab, gina, guests, shared):
    delete_organization(actor=gina, organization=guests)
    assert api(gina).get("/clusters").json()["results"] == []
    assert shares(api, alice, shared) == [of(lab)]
    assert weights_by_cluster([shared.pk]) == {shared.pk: {lab.pk: 1}}


def test_a_deleted_owner_takes_the_cluster_away_from_the_guests(api, alice, lab, gina, shared):
    delete_organization(actor=alice, organization=lab)
    assert api(gina).get(f"/clusters/{shared.pk}").status_code == 404


def test_each_change_is_told_with_old_and_new_weights(alice, lab, guests, shared):
    share_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk, weight=7)
    unshare_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
    taken, heavier, first = ClusterEvent.objects.filter(kind="shares_changed")
    own = {str(lab.pk): 1}
    assert first.data == {"old": {"shares": own}, "new": {"shares": own | {str(guests.pk): 2}}}
    assert heavier.data["new"] == taken.data["old"] == {"shares": own | {str(guests.pk): 7}}
    assert taken.data["new"] == {"shares": own}
    assert AuditEntry.objects.filter(action="cluster.shares_changed", actor=alice).count() == 3


def test_shares_of_a_cluster_that_was_deleted_meanwhile_are_not_there(alice, guests, cluster):
    delete_cluster(actor=alice, cluster_id=cluster.pk)
    with pytest.raises(NotFound):
        set_shares(actor=alice, cluster_id=cluster.pk, shares=[])


@pytest.mark.parametrize("weight", [0, 1001])
def test_the_database_itself_refuses_a_weight_that_is_none(weight, guests, cluster):
    with pytest.raises(IntegrityError), transaction.atomic():
        ClusterShare.objects.create(cluster=cluster, organization=guests, weight=weight)


def test_once_shared_always_known_to_have_been(alice, guests, lab, shared):
    assert shared.was_shared
    unshare_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
    shared.refresh_from_db()
    assert shared.was_shared
    alone = ClusterFactory(organization=lab)
    set_shares(actor=alice, cluster_id=alone.pk, shares=[])
    alone.refresh_from_db()
    assert not alone.was_shared


def test_the_console_shares_and_takes_away_by_the_same_services(console, operator, guests, lab, cluster):
    body = {"cluster": cluster.pk, "organization": guests.pk, "weight": 3}
    assert console.post("/admin/clusters/clustershare/add/", body).status_code == 302
    share = ClusterShare.objects.get(organization=guests)
    event = ClusterEvent.objects.get(kind="shares_changed")
    assert (share.weight, event.actor) == (3, operator)
    page = f"/admin/clusters/clustershare/{share.pk}"
    assert console.post(f"{page}/change/", {"weight": 0}).status_code == 200
    assert console.post(f"{page}/change/", {"weight": 4}).status_code == 302
    share.refresh_from_db()
    assert share.weight == 4
    assert b"guests" in console.get(f"/admin/clusters/cluster/{cluster.pk}/change/").content
    assert console.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    assert weights_by_cluster([cluster.pk]) == {cluster.pk: {lab.pk: 1}}
