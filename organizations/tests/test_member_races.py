"""Owners who go at the same moment: one stays."""

import pytest

from accounts.tests.races import at_once
from organizations.models import Membership, Role
from organizations.tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)


def address(lab, user):
    return f"/organizations/{lab.pk}/members/{user.pk}"


def steps_down(api, lab, user):
    client = api(user)
    return lambda: client.patch(address(lab, user), {"role": "viewer"}).status_code


def leaves(api, lab, user):
    client = api(user)
    return lambda: client.delete(address(lab, user)).status_code


def demotes(api, lab, user, other):
    client = api(user)
    return lambda: client.patch(address(lab, other), {"role": "viewer"}).status_code


@pytest.mark.parametrize("going", [(steps_down, steps_down), (leaves, leaves), (steps_down, leaves)])
def test_of_two_owners_who_go_at_once_one_stays(api, alice, lab, going):
    for _ in range(5):
        Membership.objects.filter(organization=lab).exclude(user=alice).delete()
        Membership.objects.update_or_create(organization=lab, user=alice, defaults={"role": Role.OWNER})
        other = MembershipFactory(organization=lab, role=Role.OWNER).user
        statuses = at_once(*[go(api, lab, user) for go, user in zip(going, (alice, other), strict=True)])
        assert 409 in statuses
        assert Membership.objects.filter(organization=lab, role=Role.OWNER).count() == 1


def test_of_two_owners_who_demote_each_other_at_once_one_is_left(api, alice, lab):
    for _ in range(5):
        Membership.objects.filter(organization=lab).update(role=Role.OWNER)
        other = Membership.objects.filter(organization=lab).exclude(user=alice).first()
        other = other.user if other else MembershipFactory(organization=lab, role=Role.OWNER).user
        statuses = at_once(demotes(api, lab, alice, other), demotes(api, lab, other, alice))
        assert sorted(statuses) == [200, 403]
        assert Membership.objects.filter(organization=lab, role=Role.OWNER).count() == 1
