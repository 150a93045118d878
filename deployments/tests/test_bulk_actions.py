"""Actions on many deployments at once, in the console."""

from django.urls import reverse

from accounts.models import AuditEntry
from deployments.models import Deployment
from deployments.tests.factories import DeploymentFactory

LIST = "admin:deployments_deployment_changelist"


def test_all_that_match_are_counted_before_and_only_they_are_cancelled(console, cluster):
    low = DeploymentFactory.create_batch(60, cluster=cluster, priority=1)
    other = DeploymentFactory(cluster=cluster, priority=2)
    narrowed = f"{reverse(LIST)}?priority__exact=1"
    chosen = {"action": "cancel", "select_across": "1", "_selected_action": [low[0].pk]}
    asked = console.post(narrowed, chosen)
    assert "Cancel 60 deployments?" in asked.content.decode()
    assert "and 40 more" in asked.content.decode()
    assert not Deployment.objects.filter(status="cancelled").exists()
    done = console.post(narrowed, chosen | {"confirmed": "yes"})
    assert done.url == narrowed
    assert Deployment.objects.filter(status="cancelled").count() == 60
    assert Deployment.objects.get(pk=other.pk).status == "pending"
    assert AuditEntry.objects.filter(action="deployment.cancelled", channel="console").count() == 60


def test_the_answer_says_how_many_were_done_and_why_others_were_refused(console, cluster):
    pending, running = (
        DeploymentFactory(cluster=cluster),
        DeploymentFactory(cluster=cluster, status="running"),
    )
    chosen = {"action": "cancel", "_selected_action": [pending.pk, running.pk], "confirmed": "yes"}
    shown = console.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "1 deployment cancelled." in shown
    assert f"{running}: " in shown
