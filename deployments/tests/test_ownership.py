"""Deployments belong to their organization: not to who submitted them, and they keep it from being deleted."""

from deployments.tests.factories import DeploymentFactory


def test_deployments_of_who_was_removed_stay_the_organizations(api, alice, bob, lab, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=bob)
    assert api(alice).delete(f"/organizations/{lab.pk}/members/{bob.pk}").status_code == 204
    assert api(bob).get(f"/deployments/{deployment.pk}").status_code == 404
    answer = api(alice).post(f"/deployments/{deployment.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_deleting_is_refused_while_anything_waits_or_runs_and_says_so(api, alice, lab, cluster):
    DeploymentFactory(cluster=cluster)
    answer = api(alice).delete(f"/organizations/{lab.pk}")
    assert answer.status_code == 409
    assert answer.json()["detail"]
    assert api(alice).get(f"/organizations/{lab.pk}").status_code == 200
