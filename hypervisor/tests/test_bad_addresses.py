"""Paths and queries that nobody should send: 404 or 400, and the parameter named."""

import pytest

from deployments.tests.factories import DeploymentFactory
from hypervisor.tests.wrong_values import assert_refused


@pytest.mark.parametrize(
    "id_",
    [
        "0",
        "-1",
        "1.5",
        "9223372036854775808",
        "9" * 5000,
        "abc",
        "%00",
        "%ED%A0%80",
        "%F0%9F%98%80",
        "1%20",
        "0x1",
        "../1",
    ],
)
@pytest.mark.parametrize(
    "path", ["/organizations/{}", "/clusters/{}", "/deployments/{}", "/deployments/{}/runs"]
)
def test_an_id_that_cannot_be_is_not_found(api, alice, path, id_):
    for verb in ("GET", "DELETE"):
        if verb == "GET" or not path.endswith("runs"):
            assert_refused(api(alice).generic(verb, path.format(id_)), 404)


@pytest.mark.parametrize("path", ["/organizations", "/clusters", "/deployments"])
@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1", "limit=0", "limit=-1", "limit=1001", "limit=x", "limit=1.5", "limit=%D9%A1",
        "limit=" + "9" * 5000,
        "cursor=x", "cursor=%00", "cursor=e30=", "cursor=" + "A" * 100_000, "cursor=bnVsbA==", "cursor=%ED%A0%80",
        "ordering=nonsense", "ordering=password", "ordering=--id", "ordering=organization__invite_code",
        "ordering=%00", "name=%00", "name=" + "x" * 100_000, "%00=1", "nonsense%ED%A0%80=1",
        "&".join(["name=a"] * 2000),
    ],
    ids=lambda query: query[:30],
)  # fmt: skip
def test_a_wrong_query_is_refused(api, alice, path, query):
    problem = assert_refused(api(alice).get(f"{path}?{query}"), 400)
    assert problem.get("errors") or "malformed" in problem["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense", "status=running&status=nonsense", "status=", "priority=4", "priority=URGENT", "cluster_id=x",
        "cluster_id=0", "cluster_id=9223372036854775808", "organization_id=1.5", "cluster_id=-1", "reason=" + "x" * 40,
        "created_by=%00", "created_by=" + "x" * 200,
    ],
    ids=lambda query: query[:30],
)  # fmt: skip
def test_a_wrong_filter_is_refused_by_name(api, alice, query):
    problem = assert_refused(api(alice).get(f"/deployments?{query}"), 400)
    assert problem["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize("query", ["state=nonsense", "paused=maybe", "paused=1", "organization_id=x"])
def test_a_wrong_filter_of_clusters_is_refused_by_name(api, alice, query):
    problem = assert_refused(api(alice).get(f"/clusters?{query}"), 400)
    assert problem["errors"][0]["field"] == query.split("=")[0]


def test_a_stop_becomes_completed_or_failed_and_nothing_else(api, alice, cluster):
    id_ = DeploymentFactory(cluster=cluster, created_by=alice).pk
    answer = api(alice).post(f"/deployments/{id_}/stop?status=cancelled")
    assert assert_refused(answer, 400)["errors"][0]["field"] == "status"


@pytest.mark.parametrize(
    "path", ["/nonsense", "/deployments/1/nonsense", "/%00", "/%ED%A0%80", "/" + "x" * 20_000]
)
def test_an_unknown_path_is_a_problem_too(api, path):
    assert "docs" in assert_refused(api().get(path), 404)["detail"]
