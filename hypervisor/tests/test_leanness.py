"""How many queries a call costs, and that none of them asks who the caller is."""

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.models import Dependency
from deployments.tests.factories import DeploymentFactory

SUBMIT = {"name": "train", "docker_image": "busybox", "required_ram": 1, "required_cpu": 1}


@pytest.fixture
def mine(api, alice):
    """Signed in, and met before: the session is in the cache."""
    client = api(alice)
    client.get("/organizations")
    return client


@pytest.fixture
def hundred(cluster, alice):
    made = DeploymentFactory.create_batch(100, cluster=cluster, created_by=alice)
    Dependency.objects.bulk_create(
        Dependency(deployment=later, depends_on=earlier) for earlier, later in itertools.pairwise(made)
    )
    return made


def queries_of(call) -> list[str]:
    """What the call asks the database, without the marks of transactions."""
    with CaptureQueriesContext(connection) as captured:
        answer = call()
    assert answer.status_code < 300, answer.content
    found = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    for sql in found:
        assert 'FROM "accounts_user"' not in sql
    return found


def test_a_list_of_a_hundred_deployments_costs_two_queries(mine, hundred):
    assert len(queries_of(lambda: mine.get("/deployments"))) == 2


@pytest.mark.parametrize(
    ("path", "most"),
    [("", 4), ("/runs", 2), ("/events", 2), ("/dependencies", 3), ("/dependents", 3)],
)
def test_reading_one_deployment_costs_few_queries(mine, hundred, path, most):
    assert len(queries_of(lambda: mine.get(f"/deployments/{hundred[50].pk}{path}"))) == most


@pytest.mark.parametrize("path", ["/clusters", "/clusters/{}", "/organizations"])
def test_reading_clusters_and_organizations_costs_one_query(mine, cluster, path):
    assert len(queries_of(lambda: mine.get(path.format(cluster.pk)))) == 1


def test_a_list_of_cycles_costs_two_queries(mine, cluster):
    assert len(queries_of(lambda: mine.get(f"/clusters/{cluster.pk}/cycles"))) == 2


def test_submitting_costs_as_many_queries_whatever_the_queue(mine, cluster, hundred):
    body = SUBMIT | {"cluster_id": cluster.pk}
    assert len(queries_of(lambda: mine.post("/deployments", body))) <= 9
    with_dependencies = body | {"dependency_ids": [one.pk for one in hundred]}
    assert len(queries_of(lambda: mine.post("/deployments", with_dependencies))) <= 14


def test_changing_costs_few_queries(mine, hundred):
    address = f"/deployments/{hundred[0].pk}"
    assert len(queries_of(lambda: mine.patch(address, {"name": "renamed"}))) <= 9
    assert len(queries_of(lambda: mine.post(f"{address}/cancel"))) <= 9
