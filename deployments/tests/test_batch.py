"""POST /deployments/bulk: many at once, all or nothing."""

import orjson
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import secrets
from accounts.models import AuditEntry
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.models import Dependency, Deployment, DeploymentEvent
from deployments.selectors import dependencies_of
from deployments.services.batch import MOST_DEPENDENCIES, MOST_DEPLOYMENTS
from deployments.services.batch_order import in_circles
from deployments.tests.factories import DeploymentFactory
from organizations.tests.factories import MembershipFactory, OrganizationFactory

WANTS = {"name": "n", "docker_image": "registry.example.org/n:1", "required_ram": 1, "required_cpu": 1}
SECRET = "a-secret-value"
NOT_ALIKE = {"id", "created_at", "queued_at", "name", "queue_position"}


@pytest.fixture
def wants(cluster):
    return WANTS | {"cluster_id": cluster.pk}


def batch(api, who, *deployments, status=201):
    answer = api(who).post("/deployments/bulk", {"deployments": list(deployments)})
    assert answer.status_code == status, answer.content[:2000]
    return answer.json()["deployments"] if status == 201 else answer.json().get("errors")


def refused(api, who, *deployments):
    """Field → detail; and nothing was written."""
    before = rows()
    errors = batch(api, who, *deployments, status=400)
    assert rows() == before
    assert len(errors) == len({error["field"] for error in errors})
    return {error["field"]: error["detail"] for error in errors}


def rows():
    return [model.objects.count() for model in (Deployment, Dependency, DeploymentEvent, AuditEntry)]


def test_each_becomes_what_it_would_be_alone(api, alice, lab, cluster, wants):
    other = DeploymentFactory(cluster=cluster)
    credential = CredentialFactory(organization=lab)
    asked = wants | {
        "required_gpu": 0.5,
        "priority": "HIGH",
        "dependency_ids": [other.pk],
        "env": {"MODE": "x"},
        "secret_env": {"TOKEN": SECRET},
        "restart_policy": "on_failure",
        "registry_credential_id": credential.pk,
    }
    alone = api(alice).post("/deployments", asked).json()["id"]
    made = batch(api, alice, asked, asked | {"restart_policy": "never"}, asked | {"max_retries": 0})
    assert [(one["index"], one["key"]) for one in made] == [(0, None), (1, None), (2, None)]
    first, second, third = (api(alice).get(f"/deployments/{one['id']}").json() for one in made)
    single = api(alice).get(f"/deployments/{alone}").json()
    for field in single.keys() - NOT_ALIKE:
        assert first[field] == single[field], field
    assert [one["max_retries"] for one in (first, second, third)] == [3, 0, 0]
    stored = Deployment.objects.get(pk=first["id"])
    assert SECRET not in stored.secret_env
    assert secrets.decrypt(stored.secret_env) == {"TOKEN": SECRET}
    stories = [
        list(DeploymentEvent.objects.filter(deployment=id_).values("kind", "source", "actor", "data"))
        for id_ in (alone, first["id"])
    ]
    assert stories[0] == stories[1]
    lines = [
        AuditEntry.objects.values("actor", "action", "organization_id", "detail", "address").get(
            target=f"deployment:{id_}"
        )
        for id_ in (alone, first["id"])
    ]
    assert lines[0] == lines[1]


def test_they_wait_for_each_other_by_key_in_any_order(api, alice, cluster, wants):
    there = DeploymentFactory(cluster=cluster).pk
    made = batch(
        api, alice,
        wants | {"depends_on": ["b", "c", "b"], "dependency_ids": [there]},
        wants | {"key": "b"},
        wants | {"key": "c", "depends_on": [" b "]},
    )  # fmt: skip
    first, second, third = (one["id"] for one in made)
    assert [one["key"] for one in made] == [None, "b", "c"]
    waits = dependencies_of([first, second, third])
    assert [waits[id_] for id_ in (first, second, third)] == [[there, second, third], [], [second]]
    (story,) = DeploymentEvent.objects.filter(deployment=first)
    assert story.data["dependency_ids"] == [there, second, third]


def test_they_queue_in_the_order_of_the_batch(api, alice, lab, cluster, wants):
    made = [one["id"] for one in batch(api, alice, *(wants | {"name": str(n)} for n in range(20)))]
    queue = Deployment.objects.filter(cluster=cluster).order_by("-priority", "queued_at", "id")
    assert list(queue.values_list("id", flat=True)) == made
    assert list(queue.values_list("name", flat=True)) == [str(n) for n in range(20)]


def test_a_batch_may_be_on_several_clusters_of_one_organization(api, alice, lab, cluster, wants):
    neighbour = ClusterFactory(organization=lab)
    made = batch(api, alice, wants, wants | {"cluster_id": neighbour.pk})
    clusters = [Deployment.objects.get(pk=one["id"]).cluster for one in made]
    assert clusters == [cluster, neighbour]
    elsewhere = ClusterFactory(organization=OrganizationFactory(owner=alice))
    wrong = refused(api, alice, wants, wants | {"cluster_id": elsewhere.pk})
    assert wrong.keys() == {"deployments[1].cluster_id"}
    assert "one organization" in wrong["deployments[1].cluster_id"]


def test_all_that_is_wrong_is_told_at_once_each_by_its_index(api, alice, lab, cluster, wants):
    theirs = DeploymentFactory()
    wrong = refused(
        api, alice,
        wants | {"key": "a"},
        wants | {"required_gpu": 9, "required_ram": 257, "dependency_ids": [theirs.pk, 10**9]},
        wants | {"required_ram": "1", "nonsense": 1},
        wants | {"cluster_id": theirs.cluster_id},
        wants | {"key": "a", "depends_on": ["nobody"]},
        wants | {"labels": {"com.docker.x": "1"}, "registry_credential_id": 10**9},
        wants | {"organization_id": theirs.organization_id},
        5,
    )  # fmt: skip
    assert wrong.keys() == {
        "deployments[1].required_gpu", "deployments[1].required_ram", "deployments[1].dependency_ids",
        "deployments[2].nonsense", "deployments[3].cluster_id", "deployments[4].key", "deployments[4].depends_on",
        "deployments[5].labels.com.docker.x", "deployments[5].registry_credential_id",
        "deployments[6].organization_id", "deployments[7]",
    }  # fmt: skip
    assert wrong["deployments[1].dependency_ids"].endswith(f"{theirs.pk}, {10**9}.")
    assert "'nobody'" in wrong["deployments[4].depends_on"]


def test_the_key_of_one_that_could_not_be_read_is_known_all_the_same(api, alice, wants):
    wrong = refused(api, alice, wants | {"key": "a", "required_ram": -1}, wants | {"depends_on": ["a"]})
    assert wrong.keys() == {"deployments[0].required_ram"}


def test_circles_are_refused_and_who_only_leads_to_one_is_not_blamed(api, alice, wants):
    edges = {"a": ["c"], "b": ["a"], "c": ["b"], "before": ["a"], "behind": [], "self": ["self"]}
    edges["a"] = ["c", "behind"]
    wrong = refused(api, alice, *(wants | {"key": key, "depends_on": edges[key]} for key in edges))
    assert wrong.keys() == {f"deployments[{place}].depends_on" for place in (0, 1, 2, 5)}


def test_a_long_chain_is_no_circle_until_its_ends_meet():
    chain: list[set[int]] = [{place + 1} for place in range(999)]
    assert in_circles([*chain, set()]) == []
    assert in_circles([*chain, {0}]) == list(range(1000))


def test_one_bad_one_keeps_all_from_being_submitted(api, alice, wants):
    wrong = refused(api, alice, *[wants] * 5, wants | {"required_cpu": 65}, *[wants] * 5)
    assert wrong.keys() == {"deployments[5].required_cpu"}


def test_anothers_ids_answer_like_absent_ones(api, alice, wants):
    theirs = DeploymentFactory()
    credential = CredentialFactory().pk
    for field, id_, shape in (
        ("cluster_id", theirs.cluster_id, int),
        ("organization_id", theirs.organization_id, int),
        ("dependency_ids", theirs.pk, lambda id_: [id_]),
        ("registry_credential_id", credential, int),
    ):
        told = [
            {
                name: text.replace(str(one), "ID")
                for name, text in refused(api, alice, wants | {field: shape(one)}).items()
            }
            for one in (id_, 987_654_321)
        ]
        assert told[0] == told[1]
        assert told[0].keys() == {f"deployments[0].{field}"}


def test_who_may_not_submit_may_not_submit_many(api, lab, charlie, wants):
    viewer = MembershipFactory(organization=lab, user__username="vera", role="viewer").user
    batch(api, viewer, wants, status=403)
    assert refused(api, charlie, wants, wants).keys() == {
        "deployments[0].cluster_id", "deployments[1].cluster_id",
    }  # fmt: skip


def test_too_many_are_refused_before_any_is_looked_at(api, alice, wants):
    wrong = refused(api, alice, *[{}] * 500_000)
    assert wrong.keys() == {"deployments"}
    assert str(MOST_DEPLOYMENTS) in wrong["deployments"]
    keys = [str(n) for n in range(11)]
    many = [wants | {"key": key} for key in keys] + [wants | {"depends_on": keys}] * 910
    assert str(MOST_DEPENDENCIES) in refused(api, alice, *many)["deployments"]


def test_a_thousand_cost_as_many_statements_as_one(api, alice, lab, cluster, wants):
    client = api(alice)
    there = [DeploymentFactory(cluster=cluster).pk for _ in range(2)]
    credential = CredentialFactory(organization=lab).pk
    more = {"dependency_ids": there, "registry_credential_id": credential, "secret_env": {"TOKEN": SECRET}}
    client.get("/clusters")
    counts = []
    for size in (2, MOST_DEPLOYMENTS):
        asked = [
            wants | more | {"key": str(n), "depends_on": [str(n - 1), str(n // 2)] if n else []}
            for n in range(size)
        ]
        asked[1]["depends_on"] = ["0"]
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/deployments/bulk", {"deployments": asked})
        assert answer.status_code == 201, answer.content[:1000]
        counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
    assert counts[0] == counts[1] <= 12


def test_a_thousand_ordinary_ones_fit_the_largest_body(wants):
    asked = wants | {
        "env": {f"NAME_{n}": "x" * 20 for n in range(20)},
        "args": ["--option"] * 20,
        "labels": {"team": "vision"},
        "depends_on": ["another"] * 10,
    }
    assert len(orjson.dumps({"deployments": [asked] * 1000})) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE
