"""Members of an organization in the console."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from organizations.models import Membership, Organization, Role


def page(organization, user):
    address = reverse("admin:organizations_organization_see", args=[organization.pk, "member"])
    return f"{address}?user={user.pk}"


@pytest.fixture
def browser(lab):
    def of(user):
        user.is_staff = True
        user.save()
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return of


def role(user):
    return Membership.objects.get(user=user).role


def test_an_operator_who_is_no_member_changes_a_role_and_is_in_the_log(console, operator, lab, bob):
    assert (
        page(lab, bob)
        in console.get(reverse("admin:organizations_organization_change", args=[lab.pk])).content.decode()
    )
    assert console.get(page(lab, bob)).status_code == 200
    console.post(page(lab, bob), {"role": "admin"})
    assert role(bob) == Role.ADMIN
    entry = AuditEntry.objects.get(action="member.role_changed")
    assert (entry.actor, entry.channel, entry.organization_id) == (operator, "console", lab.pk)


def test_an_owner_removes_a_member_and_the_invite_code_dies(browser, alice, lab, bob):
    browser(alice).post(page(lab, bob), {"remove": "on"})
    assert not Membership.objects.filter(user=bob).exists()
    assert Organization.objects.get(pk=lab.pk).invite_code != lab.invite_code


def test_an_admin_makes_nobody_owner_and_is_told_why(browser, alice, lab, bob):
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    answer = browser(bob).post(page(lab, alice), {"role": "viewer"}, follow=True)
    assert role(alice) == Role.OWNER
    assert "you may not manage admins and owners" in answer.content.decode()


def test_the_last_owner_stays(console, alice, lab):
    answer = console.post(page(lab, alice), {"role": "member"}, follow=True)
    assert role(alice) == Role.OWNER
    assert "The last owner stays" in answer.content.decode()


def test_a_member_is_shown_no_way_to_change_others_and_has_none(browser, alice, lab, bob):
    client = browser(bob)
    shown = client.get(reverse("admin:organizations_organization_change", args=[lab.pk])).content.decode()
    assert "alice" in shown
    assert page(lab, alice) not in shown
    assert lab.invite_code not in shown
    assert client.post(page(lab, alice), {"role": "viewer"}).status_code == 403


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 40, "٣"])
def test_who_is_no_member_has_no_page(console, lab, number):
    address = reverse("admin:organizations_organization_see", args=[lab.pk, "member"])
    assert console.get(address, {"user": number}).status_code == 404
