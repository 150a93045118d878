"""Organizations in the console."""

from django.urls import reverse

from accounts.models import AuditEntry
from organizations.models import Membership, Organization, Role
from organizations.tests.factories import OrganizationFactory

LIST = "admin:organizations_organization_changelist"


def regenerate(rows, **more):
    return {"action": "regenerate-invite", "_selected_action": [row.pk for row in rows], **more}


def test_regenerating_invites_asks_first_and_says_how_many(console, lab):
    other = OrganizationFactory()
    answer = console.post(reverse(LIST), regenerate([lab, other]))
    assert "Regenerate the invite of 2 organizations?" in answer.content.decode()
    assert Organization.objects.get(pk=lab.pk).invite_code == lab.invite_code


def test_a_confirmed_regeneration_kills_the_old_code_and_is_audited(console, lab, api, charlie):
    console.post(reverse(LIST), regenerate([lab], confirmed="yes"))
    assert api(charlie).post("/join-organization", {"invite_code": lab.invite_code}).status_code == 400
    assert AuditEntry.objects.filter(
        action="organization.invite_regenerated", actor__username="operator"
    ).exists()


def test_an_operator_makes_and_renames_an_organization(console, operator):
    console.post(reverse("admin:organizations_organization_add"), {"name": "new lab"})
    made = Organization.objects.get(name="new lab")
    assert Membership.objects.get(organization=made).role == Role.OWNER
    console.post(reverse("admin:organizations_organization_change", args=[made.pk]), {"name": "old lab"})
    entry = AuditEntry.objects.get(action="organization.renamed")
    assert entry.detail == {"old": "new lab", "new": "old lab"}


def test_a_deleted_organization_is_hidden_and_can_only_be_read(console, lab):
    console.post(reverse("admin:organizations_organization_delete", args=[lab.pk]), {"post": "yes"})
    assert list(console.get(reverse(LIST)).context["cl"].result_list) == []
    assert list(console.get(reverse(LIST), {"deleted": "yes"}).context["cl"].result_list) == [lab]
    page = reverse("admin:organizations_organization_change", args=[lab.pk])
    assert console.get(page).status_code == 200
    assert console.post(page, {"name": "again"}).status_code == 403


def test_a_page_shows_the_members_with_their_roles(console, lab, bob):
    page = console.get(reverse("admin:organizations_organization_change", args=[lab.pk])).content.decode()
    assert "bob" in page
    assert "member</span>" in page
