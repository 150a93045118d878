"""The cast and the factories fit together."""

import pytest

from clusters.amounts import Amount
from deployments.tests.factories import DeploymentFactory


@pytest.mark.django_db
def test_the_cast_sees_what_its_roles_show(api, alice, bob, charlie, cluster):
    deployment = DeploymentFactory(cluster=cluster, gpu=0.5, cpu=2, ram=4)
    assert deployment.required == Amount(500, 2000, 4096)
    assert deployment.created_by == alice
    statuses = [
        api(user).get(f"/deployments/{deployment.pk}").status_code for user in (alice, bob, charlie, None)
    ]
    assert statuses == [200, 200, 404, 401]


@pytest.mark.django_db
def test_json_is_what_the_client_sends(api, alice, lab):
    wire = {"name": "box", "organization_id": lab.pk, "total_ram": 1, "total_cpu": 1, "total_gpu": 0.5}
    answer = api(alice).post("/clusters", wire)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["available_gpu"] == 0.5
