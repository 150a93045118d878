"""Every page of the console, found through its registry, so that a new page cannot be forgotten."""

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tests.factories import PASSWORD, UserFactory
from clusters.tests.factories import ClusterFactory
from deployments.models import DeploymentEvent
from deployments.tests.factories import DeploymentFactory
from hypervisor.tests.console_rows import fill
from scheduling import durations

MOST_QUERIES = 20


def of_each(page):
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")
        for model in admin.site._registry
    ]


def test_every_list_shows_many_rows_with_few_queries(console, lab, django_assert_max_num_queries):
    fill(lab)
    for address in of_each("changelist"):
        with django_assert_max_num_queries(MOST_QUERIES, info=address):
            answer = console.get(address)
        assert answer.status_code == 200, address
        rows = answer.context["cl"].result_list
        assert len(rows) >= (1 if "seededinterval" in address else 50), address
        assert b"never shown" not in answer.content, address


def test_every_row_has_a_page_with_few_queries(console, lab, django_assert_max_num_queries):
    fill(lab)
    # The page of a cluster whose policy looks at lengths may have to measure them first.
    durations.forget()
    for model in admin.site._registry:
        # The oldest row of each model is the one to which most others belong; the cluster's is the newest.
        for row in {model.objects.order_by("pk").first(), model.objects.order_by("pk").last()}:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
            with django_assert_max_num_queries(MOST_QUERIES, info=address):
                answer = console.get(address)
            assert answer.status_code == 200, address
            assert b"never shown" not in answer.content, address


def test_every_list_searches_and_sorts(console, lab):
    fill(lab)
    for model, page in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        if page.search_fields:
            assert console.get(address, {"q": "7"}).status_code == 200, address
        for column in range(1, len(page.get_list_display(None)) + 1):
            assert console.get(address, {"o": f"-{column}"}).status_code == 200, (address, column)


def test_the_start_page_has_few_queries(console, lab, django_assert_max_num_queries):
    fill(lab)
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = console.get(reverse("admin:index"))
    assert answer.status_code == 200


def test_every_model_of_ours_has_a_page(db):
    from django.apps import apps

    ours = {"accounts", "organizations", "clusters", "deployments", "scheduling"}
    # Shown within other pages: members in their organization, dependencies in their deployment.
    within = {"organizations.Membership", "deployments.Dependency", "deployments.HeldDevice"}
    # Bookkeeping that nobody reads.
    within |= {"clusters.Installation", "deployments.SubmitKey"}
    # Drawn on the start page and on the pages of clusters and organizations.
    within |= {
        f"scheduling.{name}"
        for name in ("ClusterMinute", "ClusterHour", "FleetMinute", "FleetHour", "UsageHour")
    }
    missing = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ours
        and model not in admin.site._registry
        and not model._meta.auto_created
    }
    assert missing == within


@pytest.mark.parametrize("who", ["nobody", "charlie", "staff"])
def test_nobody_is_let_in_who_is_neither_a_superuser_nor_staff_of_an_organization(who, charlie):
    browser = Client()
    if who != "nobody":
        user = charlie if who == "charlie" else UserFactory(is_staff=True)
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for address in [reverse("admin:index"), *of_each("changelist")]:
        answer = browser.get(address)
        assert answer.status_code == 302, address
        assert answer.url.startswith("/admin/login/"), address


def test_a_deactivated_superuser_is_out_at_once(console, operator):
    operator.is_active = False
    operator.save()
    assert console.get(reverse("admin:index")).status_code == 302


def test_signing_in_answers_alike_for_staff_and_for_a_wrong_password(db, operator):
    staff = UserFactory(is_staff=True)
    wrong = Client().post(reverse("admin:login"), {"username": operator.username, "password": "wrong"})
    refused = Client().post(reverse("admin:login"), {"username": staff.username, "password": PASSWORD})
    assert wrong.status_code == refused.status_code == 200
    assert wrong.context["form"].non_field_errors() == refused.context["form"].non_field_errors()


def test_a_superuser_signs_in_and_is_on_the_start_page(operator):
    answer = Client().post(reverse("admin:login"), {"username": operator.username, "password": PASSWORD})
    assert answer.url == reverse("admin:index")


def test_the_console_needs_no_migration(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_what_users_write_is_text_and_never_markup(console, lab):
    evil = "<script>alert(1)</script>"
    cluster = ClusterFactory(organization=lab, name=evil)
    deployment = DeploymentFactory(cluster=cluster, name=evil, labels={evil: evil}, command=[evil])
    DeploymentEvent.objects.create(
        deployment=deployment, organization=lab, kind=evil[:32], source="user", data={"new": {evil: evil}}
    )
    AuditEntry.objects.create(action="cluster.renamed", target=evil, detail={"old": evil, "new": evil})
    pages = [reverse("admin:index"), *of_each("changelist")]
    pages += [reverse("admin:clusters_cluster_change", args=[cluster.pk])]
    pages += [reverse("admin:deployments_deployment_change", args=[deployment.pk])]
    chosen = {"_selected_action": [cluster.pk], "action": "run-scheduler"}
    answers = [console.get(page) for page in pages]
    answers += [console.post(reverse("admin:clusters_cluster_changelist"), chosen, follow=True)]
    answers += [console.get(reverse("admin:clusters_cluster_act", args=[cluster.pk, "pause"]))]
    answers += [console.get(reverse("admin:clusters_cluster_delete", args=[cluster.pk]))]
    assert any("&lt;script&gt;" in answer.content.decode() for answer in answers)
    for answer in answers:
        assert evil not in answer.content.decode(), answer.request["PATH_INFO"]
