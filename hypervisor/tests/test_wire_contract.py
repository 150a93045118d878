"""What users' scripts rely on: paths, status codes, numbers, times, and that one may send back what one has read."""

import re
from typing import Any

import orjson
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clusters.amounts import MAXIMUM, RESOURCES, from_wire, to_wire
from clusters.models import Cluster, ClusterEvent
from deployments.models import Deployment, DeploymentEvent
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from hypervisor.tests.routes import ABSENT, routes
from organizations.tests.factories import MembershipFactory

SUBMIT = {"name": "train", "docker_image": "busybox", "required_ram": 1, "required_cpu": 1}
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def mine(api, alice):
    return api(alice)


@pytest.mark.parametrize("call", [call for call in routes() if call[1] not in {"/", "/admin"}], ids=" ".join)
def test_a_trailing_slash_makes_no_difference(api, mine, call):
    verb, path = call
    for client in (api(), mine):
        plain, slashed = (client.generic(verb, path.format(**ABSENT) + end) for end in ("", "/"))
        assert slashed.status_code == plain.status_code
        assert slashed.get("Content-Type") == plain.get("Content-Type")
        assert not 300 <= plain.status_code < 400


def test_a_post_with_a_trailing_slash_keeps_its_body(mine, cluster):
    assert mine.post("/deployments/", SUBMIT | {"cluster_id": cluster.pk}).status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/organizations", {"name": "new"}),
        ("/clusters", {"name": "new", "total_ram": 1, "total_cpu": 1, "total_gpu": 1}),
        ("/deployments", SUBMIT),
        (
            "/organizations/{}/registry-credentials",
            {"name": "new", "server": "registry.example.org", "username": "u", "password": "p"},
        ),
    ],
)
def test_what_is_created_answers_201_and_where_it_is(mine, cluster, path, body):
    path = path.format(cluster.organization_id)
    owners = {
        "/clusters": {"organization_id": cluster.organization_id},
        "/deployments": {"cluster_id": cluster.pk},
    }
    answer = mine.post(path, body | owners.get(path, {}))
    assert answer.status_code == 201
    assert answer["Location"] == f"{path}/{answer.json()['id']}"
    assert lasting(mine.get(answer["Location"]).json()) == answer.json()
    deleted = mine.delete(answer["Location"])
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert mine.get(answer["Location"]).status_code == 404


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_what_a_body_does_not_name_stays(mine, cluster, verb):
    full = SUBMIT | {
        "cluster_id": cluster.pk,
        "env": {"A": "1"},
        "labels": {"b": "2"},
        "args": ["x"],
        "max_retries": 3,
    }
    deployment = mine.post("/deployments", full | {"secret_env": {"KEY": "hidden"}}).json()
    address = f"/deployments/{deployment['id']}"
    changed = mine.generic(verb, address, b'{"priority": "HIGH"}', "application/json")
    assert changed.status_code == 200
    assert changed.json() == deployment | {"priority": 3}
    box = mine.get(f"/clusters/{cluster.pk}").json()
    paused = mine.generic(verb, f"/clusters/{cluster.pk}", b'{"paused": true}', "application/json")
    assert paused.json() == box | {"paused": True, "state": "paused"}
    assert mine.generic(verb, address, b"{}", "application/json").json() == changed.json()


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
@pytest.mark.parametrize("status", Status.values)
def test_a_deployment_that_is_sent_back_as_it_was_read_does_not_change(mine, alice, cluster, status, verb):
    first = DeploymentFactory(cluster=cluster, created_by=alice)
    body = SUBMIT | {
        "cluster_id": cluster.pk,
        "dependency_ids": [first.pk],
        "required_ram": 0.001,
        "env": {"A": "1"},
    }
    address = mine.post("/deployments", body)["Location"]
    ended = timezone.now() if status in {"completed", "failed"} else None
    Deployment.objects.filter(pk=address.rsplit("/", 1)[1]).update(
        status=status, ended_at=ended, required_cpu=1_001
    )
    assert_unchanged_when_sent_back(mine, address, verb, Deployment, DeploymentEvent)


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"paused": True},
        {"unreachable_since": timezone.now()},
        {"allocated_ram": 10**6},
        {"total_ram": 1_003},
    ],
    ids=["ready", "paused", "unreachable", "overcommitted", "not a round amount"],
)
def test_a_cluster_that_is_sent_back_as_it_was_read_does_not_change(mine, cluster, state, verb):
    Cluster.objects.filter(pk=cluster.pk).update(**state)
    assert_unchanged_when_sent_back(mine, f"/clusters/{cluster.pk}", verb, Cluster, ClusterEvent)


@pytest.mark.parametrize("address", ["/organizations/{}", "/me"])
def test_an_organization_and_a_user_may_be_sent_back_too(mine, lab, address):
    read = mine.get(address.format(lab.pk))
    assert mine.patch(address.format(lab.pk), read.json()).json() == read.json()


def lasting(read: dict[str, Any]) -> dict[str, Any]:
    """What was read, without what only a deployment's own page tells, of this moment: why it waits."""
    return {name: value for name, value in read.items() if name not in {"reasons", "queue_position"}}


def assert_unchanged_when_sent_back(client: Any, address: str, verb: str, model: Any, events: Any) -> None:
    read = client.get(address)
    before, told = list(model.objects.order_by("pk").values()), events.objects.count()
    answer = client.generic(verb, address, read.content, "application/json")
    assert answer.status_code == 200, answer.content
    assert answer.content == orjson.dumps(lasting(orjson.loads(read.content)))
    assert list(model.objects.order_by("pk").values()) == before
    assert events.objects.count() == told


@given(thousandths=st.integers(0, MAXIMUM * 1000), resource=st.sampled_from(RESOURCES))
def test_each_amount_with_three_places_comes_back_unchanged(thousandths, resource):
    written = orjson.dumps(thousandths / 1000)
    assert orjson.dumps(to_wire(resource, from_wire(resource, orjson.loads(written)))) in {
        written,
        written[:-2],
    }


@pytest.mark.parametrize(
    "amount", [0, 1, 0.001, 0.999, 7.125, 99_999.999, 1_234_567.891, 10_000_000, 0.1, -0.0]
)
def test_amounts_are_json_numbers_and_come_back_as_they_were_sent(mine, lab, amount):
    body = {"name": "n", "organization_id": lab.pk} | dict.fromkeys(
        ("total_ram", "total_cpu", "total_gpu"), amount
    )
    answer = mine.post("/clusters", body)
    assert answer.status_code == 201
    for name in RESOURCES:
        assert answer.json()[f"total_{name}"] == amount
        assert answer.json()[f"available_{name}"] == amount
        assert not isinstance(answer.json()[f"total_{name}"], str)
    assert b"-0" not in answer.content.split(b'"created_at"')[0]


def test_the_story_tells_amounts_as_they_were_written(mine, cluster):
    needs = {"required_ram": 0.5, "required_cpu": 2.25, "required_gpu": 3}
    labels = {"required_ram": "a label that is no amount"}
    made = mine.post("/deployments", SUBMIT | needs | {"cluster_id": cluster.pk}).json()
    mine.patch(f"/deployments/{made['id']}", {"required_cpu": 4, "labels": labels})
    changed, submitted = mine.get(f"/deployments/{made['id']}/events").json()["results"]
    assert {name: submitted["data"][name] for name in needs} == needs
    assert changed["data"]["old"] == {"required_cpu": 2.25, "labels": {}}
    assert changed["data"]["new"] == {"required_cpu": 4, "labels": labels}


@pytest.mark.parametrize(
    ("given_", "shown"), [(1, 1), (3, 3), ("LOW", 1), ("medium", 2), ("High", 3), (2.0, 2)]
)
def test_a_priority_is_a_number_or_a_name_and_answered_as_a_number(mine, cluster, given_, shown):
    answer = mine.post("/deployments", SUBMIT | {"cluster_id": cluster.pk, "priority": given_})
    assert answer.json()["priority"] == shown


def test_a_priority_is_medium_unless_it_is_given(mine, cluster):
    assert mine.post("/deployments", SUBMIT | {"cluster_id": cluster.pk}).json()["priority"] == 2


def test_times_are_rfc_3339_in_utc(mine, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice, started_at=timezone.now())
    mine.patch(f"/deployments/{deployment.pk}", {"name": "renamed"})
    for path in (
        "/me",
        "/organizations",
        "/clusters",
        "/deployments",
        f"/deployments/{deployment.pk}/events",
    ):
        body = mine.get(path).json()
        for row in body.get("results", [body]):
            times = {
                name: value for name, value in row.items() if value and (name.endswith("_at") or name == "at")
            }
            assert times
            assert all(RFC_3339.fullmatch(value) for value in times.values()), times


def test_a_conflict_names_the_state_and_what_is_allowed_there(mine, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice)
    answer = mine.post(f"/deployments/{deployment.pk}/stop")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["state"] == "pending"
    assert {"cancel", "start", "delete"} <= set(problem["allowed"])
    assert "pending" in problem["detail"]


def test_viewers_see_the_names_of_environment_variables_alone(api, lab, cluster):
    viewer = MembershipFactory(organization=lab, role="viewer").user
    deployment = DeploymentFactory(cluster=cluster, env={"TOKEN": "hidden"})
    for path in (f"/deployments/{deployment.pk}", "/deployments"):
        answer = api(viewer).get(path)
        assert b"hidden" not in answer.content
        assert b"TOKEN" in answer.content
