"""Pages: walked forwards and backwards, with ties, and while rows are inserted and removed."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from clusters.filters import IN_STATE
from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from deployments.tests.factories import DeploymentFactory
from hypervisor.pagination import DEFAULT_LIMIT
from organizations.tests.factories import OrganizationFactory

NOW = timezone.now()


@pytest.fixture
def mine(api, alice):
    return api(alice)


@pytest.fixture
def many(cluster, alice):
    """Eleven deployments with ties in every column but the id."""
    for n in range(11):
        made = DeploymentFactory(
            cluster=cluster,
            created_by=alice,
            name=f"name {n // 3}",
            priority=1 + n % 3,
            status=("pending", "failed", "completed")[n % 3],
            queued_at=NOW - timedelta(minutes=n // 4),
        )
        Deployment.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(minutes=n % 2))


def walk(client, path, link="next"):
    """The pages from `path` on, each as its list of ids."""
    pages = []
    while path:
        body = client.get(path).json()
        assert body.keys() == {"next", "previous", "results"}
        pages.append([row["id"] for row in body["results"]])
        path = body[link]
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 11, 12])
@pytest.mark.parametrize(
    "order",
    ["", "id", "-id", "created_at", "-created_at", "queued_at", "name", "-name", "priority", "-priority", "status",
     "-priority,queued_at", "-priority,queued_at,id", "status,-name,-id"],
)  # fmt: skip
@pytest.mark.usefixtures("many")
def test_pages_forwards_and_backwards_are_the_whole_list_in_order(mine, order, limit):
    query = f"&ordering={order}" if order else ""
    (whole,) = walk(mine, f"/deployments?limit=1000{query}")
    assert len(whole) == 11
    columns = [*(order or "-id").split(",")]
    rows = {row["id"]: row for row in mine.get("/deployments").json()["results"]}
    for column in reversed(columns):
        # Sorting is stable, so the last column that decides is sorted by first.
        rows = dict(
            sorted(rows.items(), key=lambda item: item[1][column.lstrip("-")], reverse=column[0] == "-")
        )
    names = [column.lstrip("-") for column in columns]
    shown = {row["id"]: row for row in mine.get(f"/deployments?limit=1000{query}").json()["results"]}
    assert [[shown[i][n] for n in names] for i in whole] == [[rows[i][n] for n in names] for i in rows]

    forwards = walk(mine, f"/deployments?limit={limit}{query}")
    assert [id_ for page in forwards for id_ in page] == whole
    assert all(len(page) == limit for page in forwards[:-1])
    last = mine.get(f"/deployments?limit={limit}{query}").json()
    while last["next"]:
        last = mine.get(last["next"]).json()
    if last["previous"]:
        backwards = walk(mine, last["previous"], "previous")
        assert [id_ for page in reversed(backwards) for id_ in page] == whole[
            : len(whole) - len(last["results"])
        ]


@pytest.mark.usefixtures("many")
def test_rows_that_come_and_go_during_a_walk_shift_nothing(mine, alice, cluster):
    before = walk(mine, "/deployments?limit=1000&ordering=name")[0]
    seen, path, gone = [], "/deployments?limit=2&ordering=name", set()
    while path:
        body = mine.get(path).json()
        seen += [row["id"] for row in body["results"]]
        # One before and one after the place of the cursor, and the last row of the page goes.
        DeploymentFactory(cluster=cluster, created_by=alice, name="a")
        DeploymentFactory(cluster=cluster, created_by=alice, name="name 9")
        if len(gone) < 3:
            gone.add(body["results"][-1]["id"])
            Deployment.objects.filter(pk=body["results"][-1]["id"]).update(deleted_at=NOW)
        path = body["next"] if len(seen) < 30 else None
    assert len(seen) == len(set(seen))
    assert [id_ for id_ in seen if id_ in before] == before


@pytest.mark.usefixtures("many")
def test_the_links_keep_filters_and_limit(mine):
    body = mine.get("/deployments?status=failed&status=completed&limit=2&ordering=-priority").json()
    query = parse_qs(urlsplit(body["next"]).query)
    assert query.keys() == {"status", "limit", "ordering", "cursor"}
    assert query["status"] == ["failed", "completed"]
    assert body["next"].startswith("http://testserver/deployments?")
    found = [id_ for page in walk(mine, body["next"]) for id_ in page]
    assert len(found) + 2 == Deployment.objects.exclude(status="pending").count()


@pytest.mark.usefixtures("many")
def test_a_cursor_of_another_order_is_refused(mine):
    cursor = parse_qs(urlsplit(mine.get("/deployments?limit=2").json()["next"]).query)["cursor"][0]
    answer = mine.get("/deployments", {"ordering": "name", "cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_an_empty_list_has_no_links(mine):
    assert mine.get("/deployments").json() == {"next": None, "previous": None, "results": []}


def test_a_page_has_a_hundred_rows_unless_asked_otherwise(mine, alice, cluster):
    DeploymentFactory.create_batch(DEFAULT_LIMIT + 1, cluster=cluster, created_by=alice)
    assert [len(page) for page in walk(mine, "/deployments")] == [100, 1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed", 4), ("status=failed&status=pending", 8), ("priority=HIGH", 3), ("priority=3", 3),
        ("priority=low", 4),
        ("name=NAME 1", 3), ("name=e 3", 2), ("name=nobody", 0), ("created_by=alice", 11), ("created_by=bob", 0),
        ("reason=no_room", 0), ("cluster_id=999999", 0), ("organization_id=999999", 0), ("status=failed&priority=2", 4),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("many")
def test_deployments_are_filtered(mine, query, expected):
    assert len(mine.get(f"/deployments?{query}").json()["results"]) == expected


@pytest.mark.usefixtures("many")
def test_deployments_are_filtered_by_where_they_are(mine, alice, cluster):
    other = DeploymentFactory(cluster=ClusterFactory(organization=OrganizationFactory(owner=alice)))
    for query in (f"cluster_id={other.cluster_id}", f"organization_id={other.organization_id}"):
        assert walk(mine, f"/deployments?{query}") == [[other.pk]]
    assert len(walk(mine, f"/deployments?cluster_id={cluster.pk}")[0]) == 11


@pytest.fixture
def boxes(lab, cluster):
    """A cluster in each state, and one that is in all of them."""
    states = {
        "ready": {},
        "paused": {"paused": True},
        "overcommitted": {"allocated_gpu": 9_000},
        "unreachable": {"unreachable_since": NOW},
        "all": {"paused": True, "allocated_cpu": 10**9, "unreachable_since": NOW},
    }
    for name, state in states.items():
        ClusterFactory(organization=lab, name=name, **state)


@pytest.mark.usefixtures("boxes")
def test_clusters_are_filtered_by_the_state_that_they_show(mine):
    rows = mine.get("/clusters").json()["results"]
    assert {row["state"] for row in rows} == {state.value for state in IN_STATE}
    for state in IN_STATE:
        found = mine.get(f"/clusters?state={state.value}").json()["results"]
        assert found == [row for row in rows if row["state"] == state]
    both = mine.get("/clusters?state=paused&state=unreachable").json()["results"]
    assert {row["name"] for row in both} == {"paused", "unreachable", "all"}


@pytest.mark.usefixtures("boxes")
def test_clusters_and_organizations_are_filtered_and_ordered(mine, alice, lab):
    other = OrganizationFactory(owner=alice, name="zoo")
    ClusterFactory(organization=other, name="zebra")

    def names(query):
        return [row["name"] for row in mine.get(query).json()["results"]]

    assert names("/clusters?paused=true&ordering=name") == ["all", "paused"]
    assert "paused" not in names("/clusters?paused=false")
    assert names(f"/clusters?organization_id={other.pk}") == ["zebra"]
    assert names("/clusters?name=BRA") == ["zebra"]
    assert names("/clusters?ordering=-name") == sorted(names("/clusters"), reverse=True)
    assert names("/clusters?ordering=-id") == names("/clusters")[::-1]
    assert len(walk(mine, "/clusters?limit=2&ordering=-created_at")) == (Cluster.objects.count() + 1) // 2
    assert names("/organizations?ordering=-name") == ["zoo", "lab"]
    assert names("/organizations?name=oo") == ["zoo"]
    assert walk(mine, "/organizations?limit=1&ordering=created_at") == [[lab.pk], [other.pk]]
