"""Every route × verb × everybody, generated from the URL configuration: a new route fails here by name."""

import re
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from clusters.models import Cluster, RegistryCredential
from clusters.sharing.services import share_cluster
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.models import Deployment
from deployments.tests.factories import DeploymentFactory
from hypervisor.tests.routes import routes
from organizations.models import Role, WebhookDelivery
from organizations.tests.factories import DeliveryFactory, MembershipFactory, OrganizationFactory
from scheduling.services import run_cycle

# `maker` is the member whose deployment it is, `member` another one; `guest` owns an organization that the cluster is
# shared with, `other` one that it is not.
TABLE = """
verb   path                                             owner admin maker member viewer guest other nobody
GET    /                                                302   302   302   302   302   302   302   302
GET    /admin                                           302   302   302   302   302   302   302   302
GET    /docs                                            200   200   200   200   200   200   200   200
GET    /redoc                                           200   200   200   200   200   200   200   200
GET    /openapi.json                                    200   200   200   200   200   200   200   200
GET    /healthz                                         200   200   200   200   200   200   200   200
GET    /readyz                                          200   200   200   200   200   200   200   200
GET    /metrics                                         200   200   200   200   200   200   200   200
POST   /register                                        201   201   201   201   201   201   201   201
POST   /token                                           200   200   200   200   200   200   200   200
GET    /me                                              200   200   200   200   200   200   200   401
PATCH  /me                                              200   200   200   200   200   200   200   401
POST   /me/password                                     204   204   204   204   204   204   204   401
POST   /join-organization                               409   409   409   409   409   200   200   401
GET    /organizations                                   200   200   200   200   200   200   200   401
POST   /organizations                                   201   201   201   201   201   201   201   401
GET    /organizations/{organization_id}                 200   200   200   200   200   404   404   401
PUT    /organizations/{organization_id}                 200   200   403   403   403   404   404   401
PATCH  /organizations/{organization_id}                 200   200   403   403   403   404   404   401
DELETE /organizations/{organization_id}                 204   403   403   403   403   404   404   401
POST   /organizations/{organization_id}/regenerate-invite 200 200 403 403 403 404 404 401
GET    /organizations/{organization_id}/members         200   200   200   200   200   404   404   401
GET    /organizations/{organization_id}/members/{user_id} 200 200 200 200 200 404 404 401
PUT    /organizations/{organization_id}/members/{user_id} 200 200 403 403 403 404 404 401
PATCH  /organizations/{organization_id}/members/{user_id} 200 200 403 403 403 404 404 401
DELETE /organizations/{organization_id}/members/{user_id} 204 204 204 403 403 404 404 401
GET    /organizations/{organization_id}/registry-credentials 200 200 200 200 200 404 404 401
POST   /organizations/{organization_id}/registry-credentials 201 201 403 403 403 404 404 401
GET    /organizations/{organization_id}/registry-credentials/{credential_id} 200 200 200 200 200 404 404 401
PUT    /organizations/{organization_id}/registry-credentials/{credential_id} 200 200 403 403 403 404 404 401
PATCH  /organizations/{organization_id}/registry-credentials/{credential_id} 200 200 403 403 403 404 404 401
DELETE /organizations/{organization_id}/registry-credentials/{credential_id} 204 204 403 403 403 404 404 401
GET    /organizations/{organization_id}/webhooks 200 200 403 403 403 404 404 401
POST   /organizations/{organization_id}/webhooks 201 201 403 403 403 404 404 401
GET    /organizations/{organization_id}/webhooks/{webhook_id} 200 200 403 403 403 404 404 401
PUT    /organizations/{organization_id}/webhooks/{webhook_id} 200 200 403 403 403 404 404 401
PATCH  /organizations/{organization_id}/webhooks/{webhook_id} 200 200 403 403 403 404 404 401
DELETE /organizations/{organization_id}/webhooks/{webhook_id} 204 204 403 403 403 404 404 401
POST   /organizations/{organization_id}/webhooks/{webhook_id}/rotate-secret 200 200 403 403 403 404 404 401
POST   /organizations/{organization_id}/webhooks/{webhook_id}/test 202 202 403 403 403 404 404 401
GET    /organizations/{organization_id}/webhooks/{webhook_id}/deliveries 200 200 403 403 403 404 404 401
GET    /organizations/{organization_id}/webhooks/{webhook_id}/deliveries/{delivery_id} 200 200 403 403 403 404 404 401
POST   /organizations/{organization_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver 202 202 403 403 403 404 404 401
GET    /clusters                                        200   200   200   200   200   200   200   401
POST   /clusters                                        201   201   403   403   403   400   400   401
GET    /clusters/{cluster_id}                           200   200   200   200   200   200   404   401
PUT    /clusters/{cluster_id}                           200   200   403   403   403   403   404   401
PATCH  /clusters/{cluster_id}                           200   200   403   403   403   403   404   401
DELETE /clusters/{cluster_id}                           204   204   403   403   403   403   404   401
POST   /clusters/{cluster_id}/check                     200   200   403   403   403   403   404   401
POST   /clusters/{cluster_id}/declare-lost              200   200   403   403   403   403   404   401
GET    /clusters/{cluster_id}/certificates              200   200   200   200   200   200   404   401
GET    /clusters/{cluster_id}/cycles                    200   200   200   200   200   200   404   401
POST   /clusters/{cluster_id}/plan                      200   200   200   200   200   200   404   401
GET    /clusters/{cluster_id}/policy                    200   200   200   200   200   200   404   401
PUT    /clusters/{cluster_id}/policy                    200   200   403   403   403   403   404   401
PATCH  /clusters/{cluster_id}/policy                    200   200   403   403   403   403   404   401
GET    /clusters/{cluster_id}/shares                    200   200   200   200   200   200   404   401
PUT    /clusters/{cluster_id}/shares                    200   200   403   403   403   403   404   401
GET    /events                                          503   503   503   503   503   503   503   401
GET    /deployments                                     200   200   200   200   200   200   200   401
POST   /deployments                                     201   201   201   201   403   201   400   401
POST   /deployments/bulk                                201   201   201   201   403   201   400   401
GET    /deployments/{deployment_id}                     200   200   200   200   200   404   404   401
PUT    /deployments/{deployment_id}                     200   200   200   403   403   404   404   401
PATCH  /deployments/{deployment_id}                     200   200   200   403   403   404   404   401
DELETE /deployments/{deployment_id}                     204   204   204   403   403   404   404   401
GET    /deployments/{deployment_id}/explain             200   200   200   200   200   404   404   401
POST   /deployments/{deployment_id}/start               200   200   200   403   403   404   404   401
POST   /deployments/{deployment_id}/stop                200   200   200   403   403   404   404   401
POST   /deployments/{deployment_id}/checkpoint          200   200   200   403   403   404   404   401
POST   /deployments/{deployment_id}/cancel              200   200   200   403   403   404   404   401
GET    /deployments/{deployment_id}/dependencies        200   200   200   200   200   404   404   401
GET    /deployments/{deployment_id}/dependents          200   200   200   200   200   404   404   401
GET    /deployments/{deployment_id}/runs                200   200   200   200   200   404   404   401
GET    /deployments/{deployment_id}/events              200   200   200   200   200   404   404   401
GET    /deployments/{deployment_id}/logs                409   409   409   409   403   404   404   401
"""  # noqa: E501
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
EXPECTED = {(row[0], row[1]): dict(zip(HEAD[2:], map(int, row[2:]), strict=True)) for row in ROWS}
ABSENT = 999_999_999
LISTS = ["/organizations", "/clusters", "/deployments"]


@dataclass
class World:
    """Alice's lab with everybody in it, an organization that uses its clusters too, and one of somebody else."""

    cast: dict[str, User | None]
    cluster: Cluster
    unused_cluster: Cluster
    deployment: Deployment
    credential: RegistryCredential
    theirs: Deployment
    their_credential: RegistryCredential
    delivery: WebhookDelivery

    def ids(self) -> dict[str, int]:
        maker = self.cast["maker"]
        assert maker
        return {
            "organization_id": self.cluster.organization_id,
            "cluster_id": self.cluster.pk,
            "deployment_id": self.deployment.pk,
            "user_id": maker.pk,
            "credential_id": self.credential.pk,
            "webhook_id": self.delivery.webhook_id,
            "delivery_id": self.delivery.pk,
        }

    def body(self, verb: str, path: str) -> dict[str, Any] | None:
        """A good body for the call, where it wants one."""
        submit = {
            "name": "n",
            "docker_image": "busybox",
            "cluster_id": self.cluster.pk,
            "required_ram": 1,
            "required_cpu": 1,
        }
        totals = {"total_ram": 1, "total_cpu": 1, "total_gpu": 0}
        cluster = {"name": "n", "organization_id": self.cluster.organization_id} | totals
        bodies = {
            "/register": {"username": "new", "password": PASSWORD},
            "/token": {"username": "alice", "password": PASSWORD},
            "/me/password": {"current_password": PASSWORD, "new_password": "another battery staple"},
            "/join-organization": {"invite_code": self.cluster.organization.invite_code},
            "/organizations": {"name": "n"},
            "/clusters": cluster,
            "/deployments": submit,
            "/deployments/bulk": {"deployments": [submit, submit]},
            "/clusters/{cluster_id}/declare-lost": {"confirm": self.cluster.name},
            "/organizations/{organization_id}/registry-credentials": {
                "name": "n",
                "server": "registry.example.org",
                "username": "u",
                "password": "p",
            },
        }
        if path.endswith(("/webhooks", "/webhooks/{webhook_id}")):
            return {"url": "https://hooks.example.org/"} if verb in {"POST", "PUT", "PATCH"} else None
        if path.endswith("/members/{user_id}"):
            return {"role": Role.VIEWER} if verb in {"PUT", "PATCH"} else None
        if path.endswith("/shares"):
            shares = [{"organization_id": share.organization_id} for share in self.cluster.shares.all()]
            return {"shares": shares} if verb == "PUT" else None
        if path.endswith("/policy"):
            return {"preset": "balanced"} if verb in {"PUT", "PATCH"} else None
        if verb in {"PUT", "PATCH"}:
            return {} if path == "/me" else {"name": "renamed"}
        return bodies.get(path) if verb == "POST" else None


@pytest.fixture
def world(alice: User, lab: Any, bob: User, cluster: Cluster) -> World:
    def member(name: str, role: Role) -> User:
        return MembershipFactory(organization=lab, user__username=name, role=role).user

    guests = OrganizationFactory(owner=UserFactory(username="gina"))
    unused = ClusterFactory(organization=lab)
    for shared in (cluster, unused):
        share_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
    elsewhere = OrganizationFactory(owner=UserFactory(username="oscar"))
    theirs = DeploymentFactory(cluster=ClusterFactory(organization=elsewhere))
    return World(
        cast={
            "owner": alice,
            "admin": member("dave", Role.ADMIN),
            "maker": bob,
            "member": member("erin", Role.MEMBER),
            "viewer": member("vera", Role.VIEWER),
            "guest": guests.memberships.get().user,
            "other": theirs.created_by,
            "nobody": None,
        },
        cluster=cluster,
        unused_cluster=unused,
        deployment=DeploymentFactory(cluster=cluster, created_by=bob),
        credential=CredentialFactory(organization=lab),
        theirs=theirs,
        their_credential=CredentialFactory(organization=elsewhere),
        delivery=DeliveryFactory(webhook__organization=lab),
    )


def test_every_route_has_its_row_and_every_row_its_route():
    assert sorted(EXPECTED) == routes()


@pytest.mark.usefixtures("engine_worker")
@pytest.mark.parametrize("call", sorted(EXPECTED), ids=" ".join)
def test_each_call_answers_each_person_as_the_table_says(world, api, call):
    verb, path = call
    answered = {}
    for name, user in world.cast.items():
        # Each in a transaction that is rolled back, so that one person's call does not change another's.
        with transaction.atomic():
            prepare(world, verb, path)
            ids = world.ids() | ({"cluster_id": world.unused_cluster.pk} if verb == "DELETE" else {})
            answer = api(user).generic(verb, path.format(**ids), *sent(world.body(verb, path)))
            answered[name] = answer.status_code
            if answer.status_code >= 400:
                assert answer["Content-Type"] == "application/problem+json"
                assert answer.json()["status"] == answer.status_code
            transaction.set_rollback(True)
    assert answered == EXPECTED[verb, path]


@pytest.mark.parametrize("call", [key for key in sorted(EXPECTED) if "{" in key[1]], ids=" ".join)
def test_anothers_row_answers_exactly_like_an_absent_one(world, api, call):
    verb, path = call
    for body in (world.body(verb, path), {"nonsense": True}, [], None):
        answers = []
        for person, ids in (
            (world.cast["other"], world.ids()),
            (world.cast["owner"], dict.fromkeys(world.ids(), ABSENT)),
        ):
            answer = api(person).generic(verb, path.format(**ids), *sent(body))
            headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
            answers.append((answer.status_code, answer.content, headers))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


@pytest.mark.parametrize("path", LISTS)
def test_a_list_shows_nothing_of_others(world, api, path):
    mine, theirs = (api(world.cast[who]).get(path).json()["results"] for who in ("owner", "other"))
    assert mine
    assert len(theirs) == 1
    assert not {row["id"] for row in mine} & {row["id"] for row in theirs}
    for narrowed in (f"?organization_id={world.cluster.organization_id}", f"?cluster_id={world.cluster.pk}"):
        answer = api(world.cast["other"]).get(path + narrowed)
        assert answer.json().get("results", []) == []


def test_a_guest_sees_the_shared_clusters_and_nothing_else_of_their_organization(world, api):
    client = api(world.cast["guest"])
    shown = {path: client.get(path).json()["results"] for path in LISTS}
    assert [row["id"] for row in shown["/clusters"]] == [world.cluster.pk, world.unused_cluster.pk]
    assert shown["/deployments"] == []
    assert world.cluster.organization_id not in [row["id"] for row in shown["/organizations"]]


@pytest.mark.parametrize(
    ("verb", "path", "field", "wrap"),
    [
        ("POST", "/clusters", "organization_id", int),
        ("POST", "/deployments", "cluster_id", int),
        ("POST", "/deployments", "organization_id", int),
        ("POST", "/deployments", "dependency_ids", lambda id_: [id_]),
        ("PATCH", "/deployments/{deployment_id}", "cluster_id", int),
        ("PATCH", "/deployments/{deployment_id}", "organization_id", int),
        ("PATCH", "/deployments/{deployment_id}", "dependency_ids", lambda id_: [id_]),
        ("PATCH", "/clusters/{cluster_id}", "organization_id", int),
        ("POST", "/deployments", "registry_credential_id", int),
        ("PATCH", "/deployments/{deployment_id}", "registry_credential_id", int),
    ],
)
def test_anothers_id_in_a_body_answers_like_an_absent_one(world, api, verb, path, field, wrap):
    theirs = {
        "organization_id": world.theirs.organization_id,
        "cluster_id": world.theirs.cluster_id,
        "dependency_ids": world.theirs.pk,
        "registry_credential_id": world.their_credential.pk,
    }[field]
    answers = []
    for id_ in (theirs, ABSENT):
        body = (world.body(verb, path) or {}) | {field: wrap(id_)}
        answer = api(world.cast["owner"]).generic(verb, path.format(**world.ids()), *sent(body))
        # An id as a word of a sentence, not as a number: it may happen to be 400, as the status is.
        told = re.sub(rf"(?<![:\d]){id_}(?!\d)", "ID", answer.content.decode())
        answers.append((answer.status_code, told))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    assert f'"field":"{field}"' in answers[0][1]


def test_who_left_an_organization_sees_nothing_of_it_from_the_next_call_on(world, api):
    client = api(world.cast["maker"])
    address = f"/deployments/{world.deployment.pk}"
    assert client.get(address).status_code == 200
    world.cluster.organization.memberships.filter(user=world.cast["maker"]).delete()
    assert client.get(address).status_code == 404


def test_a_deleted_organization_takes_all_that_is_in_it_out_of_sight(world, api):
    client = api(world.cast["owner"])
    assert client.delete(f"/deployments/{world.deployment.pk}").status_code == 204
    assert client.delete(f"/organizations/{world.cluster.organization_id}").status_code == 204
    for path in ("/organizations", "/clusters", "/deployments"):
        assert client.get(path).json()["results"] == []
    assert client.get(f"/clusters/{world.cluster.pk}").status_code == 404
    credentials = f"/organizations/{world.cluster.organization_id}/registry-credentials"
    for path in (credentials, f"{credentials}/{world.credential.pk}"):
        assert client.get(path).status_code == 404


def prepare(world: World, verb: str, path: str) -> None:
    if path.endswith("/declare-lost"):
        Cluster.objects.filter(pk=world.cluster.pk).update(unreachable_since=timezone.now())
    if path.endswith(("/stop", "/checkpoint")):
        run_cycle(cluster_ids=[world.cluster.pk])
    if (verb, path) == ("DELETE", "/organizations/{organization_id}"):
        Deployment.objects.filter(pk=world.deployment.pk).update(status="cancelled")


def sent(body: Any) -> tuple[bytes, str]:
    return (b"" if body is None else orjson.dumps(body)), "application/json"
