"""What would start a deployment, in the console."""

from django.test import Client
from django.urls import reverse

from clusters.sharing.services import share_cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import run
from organizations.tests.factories import OrganizationFactory


def see(deployment):
    return reverse("admin:deployments_deployment_see", args=[deployment.pk, "explain"])


def test_one_that_waits_leads_to_what_would_start_it(console, cluster):
    holder = DeploymentFactory(cluster=cluster, gpu=8, name="holder")
    run(holder)
    waits = DeploymentFactory(cluster=cluster, gpu=4, reason="insufficient_capacity")
    ClusterFactory(organization=cluster.organization, name="elsewhere")
    page = reverse("admin:deployments_deployment_change", args=[waits.pk])
    assert see(waits) in console.get(page).content.decode()
    shown = console.get(see(waits)).content.decode()
    assert f"<h2>What would start {waits}</h2>" in shown
    assert f"holder (#{holder.pk})" in shown
    assert "elsewhere" in shown
    assert (
        see(holder)
        not in console.get(reverse("admin:deployments_deployment_change", args=[holder.pk])).content.decode()
    )


def test_staff_see_of_others_on_a_shared_cluster_no_name(cluster, alice):
    guests = OrganizationFactory()
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
    holder = DeploymentFactory(cluster=cluster, organization=guests, gpu=8, name="unseen")
    run(holder)
    waits = DeploymentFactory(cluster=cluster, gpu=4, reason="insufficient_capacity")
    alice.is_staff = True
    alice.save()
    browser = Client()
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    shown = browser.get(see(waits)).content.decode()
    assert "another organization&#x27;s" in shown
    assert "unseen" not in shown
    assert f"#{holder.pk}" not in shown


def test_a_start_runs_a_cycle_and_never_ahead_of_the_queue(console, cluster):
    fits, waits = DeploymentFactory(cluster=cluster, gpu=8), DeploymentFactory(cluster=cluster, gpu=1)
    act = reverse("admin:deployments_deployment_act", args=[waits.pk, "start"])
    answer = console.post(act, follow=True)
    assert "it waits on" in answer.content.decode()
    assert Deployment.objects.get(pk=fits.pk).status == "starting"
    assert Deployment.objects.get(pk=waits.pk).status == "pending"
