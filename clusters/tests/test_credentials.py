"""Registry credentials: who changes them, what is never shown, and what keeps them."""

import pytest

from accounts import secrets
from accounts.errors import Conflict, InvalidInput, NotFound
from accounts.models import AuditEntry
from clusters.credentials import services
from clusters.models import RegistryCredential
from clusters.tests.factories import CredentialFactory
from organizations.services import delete_organization

SECRET = "never-to-be-seen"
NEW = {"name": "team", "server": "Registry.Example.com:5000", "username": "puller", "password": SECRET}
GONE = "There is no registry credential with this id in this organization"


@pytest.fixture
def address(lab):
    return f"/organizations/{lab.pk}/registry-credentials"


@pytest.fixture
def credential(lab) -> RegistryCredential:
    return CredentialFactory(organization=lab, name="team")


@pytest.fixture
def needed(monkeypatch) -> None:
    monkeypatch.setattr(services, "needed_by", [lambda credential: "train (#7) names it."])


def test_a_new_one_is_answered_and_listed_without_its_password(api, alice, bob, address):
    made = api(alice).post(address, NEW)
    assert made.status_code == 201
    assert made.json().keys() == {"id", "name", "server", "username", "created_at"}
    assert made.json()["server"] == "registry.example.com:5000"
    assert made["Location"] == f"{address}/{made.json()['id']}"
    for path in (address, made["Location"]):
        seen = api(bob).get(path)
        assert seen.status_code == 200
        assert b"team" in seen.content
        assert SECRET.encode() not in seen.content + made.content


def test_a_password_is_encrypted_and_in_no_audit_line(api, alice, address):
    path = api(alice).post(address, NEW)["Location"]
    api(alice).patch(path, {"password": f"{SECRET}-too", "name": "renamed"})
    stored = RegistryCredential.objects.get()
    assert SECRET not in stored.password
    assert secrets.decrypt(stored.password) == f"{SECRET}-too"
    lines = list(AuditEntry.objects.filter(target=f"registrycredential:{stored.pk}").order_by("pk"))
    assert [(line.action, line.actor, line.organization_id) for line in lines] == [
        (f"registry_credential.{verb}", alice, stored.organization_id) for verb in ("created", "changed")
    ]
    assert lines[1].detail == {"old": {"name": "team"}, "new": {"name": "renamed"}, "password": "changed"}
    assert SECRET not in str(list(AuditEntry.objects.values()))
    assert stored.password not in str(list(AuditEntry.objects.values()))


def test_a_password_keeps_its_spaces(api, alice, address):
    api(alice).post(address, NEW | {"password": "  spaced  "})
    assert secrets.decrypt(RegistryCredential.objects.get().password) == "  spaced  "


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_what_a_body_does_not_name_stays(verb, api, alice, address, credential):
    before = RegistryCredential.objects.values().get()
    answer = getattr(api(alice), verb)(f"{address}/{credential.pk}", {"username": "other"})
    assert answer.status_code == 200
    assert RegistryCredential.objects.values().get() == before | {"username": "other"}


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_what_was_read_may_be_sent_back_and_changes_nothing(verb, api, alice, address, credential):
    read = api(alice).get(f"{address}/{credential.pk}")
    before = RegistryCredential.objects.values().get()
    answer = getattr(api(alice), verb)(f"{address}/{credential.pk}", read.json())
    assert answer.content == read.content
    assert RegistryCredential.objects.values().get() == before
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("server", "https://registry.example.com/v2", "without a scheme or a path: registry.example.com."),
        ("server", "registry", "Write registry:443"),
        ("username", "puller:secret", "no colon"),
        ("name", "TEAM", "Choose another name"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write_and_the_password_is_not_told(
    field, value, told, api, alice, address, credential
):
    other = CredentialFactory(organization=credential.organization)
    for verb, path in (("post", address), ("patch", f"{address}/{other.pk}")):
        answer = getattr(api(alice), verb)(path, NEW | {"name": "new", field: value})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert told in error["detail"]
        assert SECRET.encode() not in answer.content


def test_two_organizations_may_use_one_name(api, alice, address, credential):
    CredentialFactory(name="other")
    assert api(alice).post(address, NEW | {"name": "other"}).status_code == 201


def test_a_deleted_one_frees_its_name_and_its_password_is_forgotten(api, alice, address, credential):
    assert api(alice).delete(f"{address}/{credential.pk}").status_code == 204
    assert api(alice).get(address).json()["results"] == []
    assert GONE in api(alice).get(f"{address}/{credential.pk}").json()["detail"]
    assert RegistryCredential.objects.get(pk=credential.pk).password == ""
    assert api(alice).post(address, NEW).status_code == 201


def test_another_organizations_credential_is_not_found_under_ones_own(api, alice, address):
    theirs = CredentialFactory(name="theirs")
    absent = api(alice).patch(f"{address}/{theirs.pk + 1}", {"name": "mine"})
    answer = api(alice).patch(f"{address}/{theirs.pk}", {"name": "mine"})
    assert (answer.status_code, answer.content) == (404, absent.content)
    assert b"theirs" not in api(alice).get(address).content


def test_one_that_is_needed_is_neither_deleted_nor_sent_to_another_server(
    api, alice, address, credential, needed
):
    path = f"{address}/{credential.pk}"
    for refused in (api(alice).delete(path), api(alice).patch(path, {"server": "evil.example.com"})):
        assert refused.status_code == 409
        assert "train (#7) names it." in refused.json()["detail"]
    changed = api(alice).patch(path, {"server": "REGISTRY.example.org", "password": "new", "name": "renamed"})
    assert changed.status_code == 200
    assert changed.json()["server"] == "registry.example.org"


def test_a_list_is_narrowed_and_ordered(api, alice, lab, address):
    for number, server in enumerate(("a.example.com", "b.example.com", "a.example.com")):
        CredentialFactory(organization=lab, server=server, name=f"team {number}")
    rows = api(alice).get(f"{address}?server=A.example.com&ordering=-name").json()["results"]
    assert [row["name"] for row in rows] == ["team 2", "team 0"]
    page = api(alice).get(f"{address}?limit=2").json()
    assert len(page["results"]) == 2
    assert len(api(alice).get(page["next"]).json()["results"]) == 1


def test_a_deleted_organization_gets_no_credential(alice, lab):
    delete_organization(actor=alice, organization=lab)
    with pytest.raises(NotFound):
        services.create_credential(actor=alice, organization_id=lab.pk, **NEW)


def test_what_was_deleted_is_neither_changed_nor_deleted_again(alice, credential):
    services.delete_credential(actor=alice, credential_id=credential.pk)
    with pytest.raises(NotFound):
        services.change_credential(actor=alice, credential_id=credential.pk, changes={"name": "x"})
    with pytest.raises(NotFound):
        services.delete_credential(actor=alice, credential_id=credential.pk)


def test_the_service_refuses_by_itself_what_the_api_would(alice, lab, needed):
    with pytest.raises(InvalidInput):
        services.create_credential(actor=alice, organization_id=lab.pk, **(NEW | {"server": "a b"}))
    made = services.create_credential(actor=alice, organization_id=lab.pk, **NEW)
    with pytest.raises(Conflict):
        services.delete_credential(actor=alice, credential_id=made.pk)
