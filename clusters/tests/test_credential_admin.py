"""Registry credentials in the console: the same services, and no page that shows a password."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts import secrets
from accounts.models import AuditEntry
from clusters.credentials import services
from clusters.models import RegistryCredential
from clusters.tests.factories import PULL_PASSWORD, CredentialFactory

LIST = "admin:clusters_registrycredential_changelist"
ADD = "admin:clusters_registrycredential_add"
SECRET = "typed-in-the-console"


@pytest.fixture
def credential(lab) -> RegistryCredential:
    return CredentialFactory(organization=lab, name="team")


def page(credential):
    return reverse("admin:clusters_registrycredential_change", args=[credential.pk])


def form(**changes):
    return {"name": "team", "server": "registry.example.org", "username": "puller"} | changes


def test_an_operator_adds_one_and_its_password_is_encrypted(console, lab, operator):
    console.post(reverse(ADD), form(organization=lab.pk, new_password=SECRET, server="Registry.Example.org"))
    made = RegistryCredential.objects.get()
    assert (made.organization, made.server, secrets.decrypt(made.password)) == (
        lab,
        "registry.example.org",
        SECRET,
    )
    line = AuditEntry.objects.get(action="registry_credential.created")
    assert (line.actor, line.target) == (operator, f"registrycredential:{made.pk}")
    assert SECRET not in str(line.detail)


def test_a_new_one_needs_a_password(console, lab):
    answer = console.post(reverse(ADD), form(organization=lab.pk))
    assert "new_password" in answer.context["adminform"].form.errors
    assert not RegistryCredential.objects.exists()


def test_its_page_and_the_list_say_that_a_password_is_set_and_do_not_show_it(console, credential):
    for address in (page(credential), reverse(LIST)):
        text = console.get(address).content.decode()
        assert "set, hidden" in text
        assert PULL_PASSWORD not in text
        assert credential.password not in text


def test_an_empty_password_keeps_the_one_that_is_there(console, credential):
    console.post(page(credential), form(username="other", new_password=""))
    changed = RegistryCredential.objects.get()
    assert (changed.username, changed.password) == ("other", credential.password)


def test_an_unchanged_form_writes_nothing(console, credential):
    console.post(page(credential), form(new_password=""))
    assert not AuditEntry.objects.exists()


def test_a_new_password_replaces_the_old_one(console, credential):
    console.post(page(credential), form(new_password=SECRET))
    assert secrets.decrypt(RegistryCredential.objects.get().password) == SECRET
    assert SECRET not in str(list(AuditEntry.objects.values()))


def test_a_refusal_is_beside_its_field_and_does_not_show_what_was_typed_as_password(console, credential):
    answer = console.post(page(credential), form(server="https://registry.example.org", new_password=SECRET))
    assert "without a scheme" in str(answer.context["adminform"].form.errors["server"])
    assert SECRET not in answer.content.decode()


def test_one_that_is_needed_is_not_deleted_and_says_why(console, credential, monkeypatch):
    monkeypatch.setattr(services, "needed_by", [lambda credential: "train (#7) names it."])
    answer = console.post(
        reverse("admin:clusters_registrycredential_delete", args=[credential.pk]), {"post": "yes"}
    )
    assert "train (#7) names it." in " ".join(map(str, get_messages(answer.wsgi_request)))
    assert RegistryCredential.objects.get().deleted_at is None


def test_a_deleted_one_is_shown_without_a_form(console, credential):
    console.post(reverse("admin:clusters_registrycredential_delete", args=[credential.pk]), {"post": "yes"})
    assert RegistryCredential.objects.get().deleted_at
    text = console.get(page(credential)).content.decode()
    assert "set, hidden" not in text
    assert "new_password" not in text
