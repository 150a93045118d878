"""The console's search: by name or id, of what the user sees."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from clusters.tests.factories import ClusterFactory
from deployments.tests.factories import DeploymentFactory
from organizations.models import Membership
from organizations.tests.factories import OrganizationFactory


def found(browser, term):
    answer = browser.get(reverse("admin:search"), {"s": term, "extended": "1"})
    assert answer.status_code == 200
    return re.findall(r'data-title="([^"]*)"', answer.content.decode())


@pytest.fixture
def named(lab):
    cluster = ClusterFactory(organization=lab, name="needle box")
    OrganizationFactory(name="needle works")
    UserFactory(username="needle")
    return DeploymentFactory(cluster=cluster, name="needle training")


def test_a_superuser_finds_each_kind_by_name(console, named):
    assert found(console, "NEEDLE") == [
        f"needle training (#{named.pk})",
        "needle box",
        "needle works",
        "needle",
    ]


@pytest.mark.parametrize("written", ["{}", "#{}"])
def test_the_one_with_that_very_id_comes_first(console, cluster, written):
    first = DeploymentFactory(cluster=cluster, name="first")
    DeploymentFactory(cluster=cluster, name=f"like {first.pk}")
    assert found(console, written.format(first.pk))[:2][0] == f"first (#{first.pk})"


def test_a_deleted_one_is_not_found(console, named):
    named.delete()
    named.cluster.deleted_at = named.queued_at
    named.cluster.save()
    assert found(console, "needle b") == []


def test_staff_find_what_is_theirs_and_no_longer_when_they_left(named, bob):
    bob.is_staff = True
    bob.save()
    OrganizationFactory(owner=bob)
    browser = Client()
    browser.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    assert found(browser, "needle") == [f"needle training (#{named.pk})", "needle box"]
    Membership.objects.filter(user=bob, organization=named.organization).delete()
    assert found(browser, "needle") == []


def test_so_many_of_a_kind_are_shown(console, cluster):
    DeploymentFactory.create_batch(15, cluster=cluster, name="many")
    assert len(found(console, "many")) == 10


@pytest.mark.parametrize("term", ["", "   ", "#", "9" * 40, "%", "\x00", "x" * 5000])
def test_odd_terms_are_answered(console, term):
    assert console.get(reverse("admin:search"), {"s": term, "extended": "1"}).status_code == 200


def test_an_empty_list_says_what_to_do_first(console, db):
    from django.contrib import admin

    for model, page in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        rows = model.objects.exists()
        shown = console.get(address).content.decode()
        if not rows and page.first_step:
            assert "console-first" in shown, address
        assert "console-first" not in console.get(address, {"q": "nobody"}).content.decode(), address
