"""The OpenAPI document, and the pages that show it."""

import re
from io import StringIO

import orjson
import pytest
from django.core.management import call_command
from django.test import Client

from clusters import examples as clusters
from clusters.credentials import examples as credentials
from clusters.credentials.serializers import CredentialAnswer
from clusters.serializers import ClusterAnswer
from clusters.sharing import examples as sharing
from clusters.sharing.serializers import SharesAnswer
from deployments import examples as deployments
from deployments.serializers import DeploymentAnswer, DeploymentDetail
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state
from hypervisor.openapi import document
from organizations.tests.factories import OrganizationFactory
from organizations.webhooks import examples as webhooks
from organizations.webhooks.serializers import DeliveryDetail, NewWebhookAnswer, WebhookAnswer
from scheduling import examples as scheduling
from scheduling.explanation_example import EXPLAINED
from scheduling.explanation_serializers import ExplanationAnswer, HolderAnswer, Suggestion
from scheduling.policy_serializers import EffectiveAnswer, PolicyAnswer
from scheduling.serializers import PlanAnswer, PlannedAnswer

CREDENTIALS = "/organizations/{organization_id}/registry-credentials"
VERBS = ("get", "post", "put", "patch", "delete")
PUBLIC = {("post", "/register"), ("post", "/token")}


@pytest.fixture(scope="module")
def schema():
    return orjson.loads(document())


def operations(schema):
    return [
        (verb, path, operation)
        for path, verbs in schema["paths"].items()
        for verb, operation in verbs.items()
        if verb in VERBS
    ]


def test_the_schema_is_drawn_without_a_warning():
    call_command("spectacular", fail_on_warn=True, validate=True, stdout=StringIO())


def test_each_call_declares_its_errors_as_problems(schema):
    for verb, path, operation in operations(schema):
        errors = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
        needed = {"400", "405", "406", "503"}
        needed |= set() if (verb, path) in PUBLIC else {"401", "403"}
        needed |= {"404"} if "{" in path else set()
        needed |= {"409", "413", "415"} if verb != "get" else set()
        assert needed <= errors.keys(), (verb, path)
        for answer in errors.values():
            assert list(answer["content"]) == ["application/problem+json"], (verb, path)
            assert answer["content"]["application/problem+json"]["examples"], (verb, path)


def test_only_registering_and_signing_in_need_no_token(schema):
    public = {
        (verb, path) for verb, path, operation in operations(schema) if {} in operation.get("security", [{}])
    }
    assert public == PUBLIC
    assert schema["components"]["securitySchemes"]["token"]["flows"]["password"]["tokenUrl"] == "/token"


def test_each_list_is_paged(schema):
    for path in ("/organizations", "/clusters", "/clusters/{cluster_id}/cycles", "/deployments", CREDENTIALS):
        for _, _, operation in [found for found in operations(schema) if found[:2] == ("get", path)]:
            answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            page = schema["components"]["schemas"][answer.rsplit("/", 1)[1]]
            assert page["required"] == ["next", "previous", "results"]
            assert {"limit", "cursor"} <= {parameter["name"] for parameter in operation["parameters"]}


def test_the_filters_and_orders_of_deployments_are_declared(schema):
    parameters = {p["name"]: p for p in schema["paths"]["/deployments"]["get"]["parameters"]}
    assert parameters.keys() == {
        "cluster_id", "created_by", "cursor", "limit", "name", "ordering", "organization_id", "priority", "reason",
        "status",
    }  # fmt: skip
    assert "-queued_at" in parameters["ordering"]["schema"]["items"]["enum"]
    assert "running" in parameters["status"]["schema"]["items"]["enum"]


def test_sign_in_takes_a_form_and_json(schema):
    content = schema["paths"]["/token"]["post"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path",
    ["/register", "/token", "/organizations", "/clusters", "/clusters/{cluster_id}/plan", "/deployments",
     "/deployments/bulk",
     "/join-organization", CREDENTIALS],
)  # fmt: skip
def test_the_main_calls_show_an_example(schema, path):
    assert schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]


def test_the_answers_that_are_shown_are_those_that_are_given(api, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice)
    assert (
        api(alice).get(f"/clusters/{cluster.pk}").json().keys()
        == clusters.SHOWN.keys()
        == fields(ClusterAnswer)
    )
    shown = api(alice).get(f"/deployments/{deployment.pk}").json().keys()
    assert shown == deployments.DETAILED.keys() == fields(DeploymentDetail)
    renamed = api(alice).patch(f"/deployments/{deployment.pk}", {"name": "renamed"}).json().keys()
    assert renamed == deployments.SHOWN.keys() == fields(DeploymentAnswer)
    assert (
        api(alice)
        .post("/clusters", clusters.ASKED | {"organization_id": cluster.organization_id})
        .status_code
        == 201
    )


def test_the_example_of_a_registry_credential_is_accepted_and_answered_as_shown(api, alice, lab):
    answer = api(alice).post(CREDENTIALS.format(organization_id=lab.pk), credentials.ASKED)
    assert answer.status_code == 201
    assert answer.json().keys() == credentials.SHOWN.keys() == fields(CredentialAnswer)


def test_the_example_of_a_webhook_is_accepted_and_answered_as_shown(api, alice, lab):
    answer = api(alice).post(f"/organizations/{lab.pk}/webhooks", webhooks.ASKED)
    assert answer.status_code == 201
    assert answer.json().keys() == webhooks.CREATED.keys() == fields(NewWebhookAnswer)
    assert answer.json()["events"] == webhooks.SHOWN["events"]
    assert webhooks.SHOWN.keys() == fields(WebhookAnswer)
    tested = api(alice).post(f"{answer['Location']}/test")
    assert tested.json().keys() == webhooks.DELIVERY.keys() == fields(DeliveryDetail)


def test_the_example_of_a_plan_is_accepted_and_answered_as_shown(api, alice, cluster):
    answer = api(alice).post(f"/clusters/{cluster.pk}/plan", scheduling.SUPPOSED)
    assert answer.status_code == 200
    assert answer.json().keys() == scheduling.TOLD.keys() == fields(PlanAnswer)
    assert answer.json()["starts"][0].keys() == scheduling.TOLD["seats"][0].keys() == fields(PlannedAnswer)


def test_the_example_of_an_explanation_has_the_fields_of_one(api, alice, cluster):
    in_state(cluster, Status.RUNNING, gpu=8, created_by=alice, priority=1)
    waiting = DeploymentFactory(cluster=cluster, created_by=alice, gpu=2)
    answer = api(alice).get(f"/deployments/{waiting.pk}/explain").json()
    assert answer.keys() == EXPLAINED.keys() == fields(ExplanationAnswer)
    for name, shape in (("suggestions", Suggestion), ("holders", HolderAnswer)):
        assert answer[name][0].keys() == EXPLAINED[name][0].keys() == fields(shape)
    assert answer["start"].keys() == EXPLAINED["start"].keys()


def test_the_example_of_a_policy_is_accepted_and_answered_as_shown(api, alice, cluster):
    answer = api(alice).patch(f"/clusters/{cluster.pk}/policy", scheduling.POLICY_ASKED)
    assert answer.status_code == 200
    assert answer.json() == scheduling.POLICY_SHOWN | {"cluster_id": cluster.pk}
    assert answer.json().keys() == fields(PolicyAnswer)
    assert answer.json()["effective"].keys() == fields(EffectiveAnswer)


def test_the_example_of_shares_is_accepted_and_answered_as_shown(api, alice, cluster):
    ids = [cluster.organization_id, OrganizationFactory().pk]
    asked = [one | {"organization_id": id_} for one, id_ in zip(sharing.ASKED["shares"], ids, strict=True)]
    answer = api(alice).put(f"/clusters/{cluster.pk}/shares", {"shares": asked})
    assert answer.status_code == 200
    assert answer.json() == {"cluster_id": cluster.pk, "shares": asked}
    assert answer.json().keys() == sharing.SHOWN.keys() == fields(SharesAnswer)


def fields(answer):
    return answer().fields.keys()


def test_put_needs_no_more_than_patch(schema):
    for path in (
        "/organizations/{organization_id}",
        "/clusters/{cluster_id}",
        "/clusters/{cluster_id}/policy",
        "/deployments/{deployment_id}",
        f"{CREDENTIALS}/{{credential_id}}",
    ):
        bodies = [schema["paths"][path][verb]["requestBody"]["content"] for verb in ("put", "patch")]
        assert bodies[0]["application/json"]["schema"] == bodies[1]["application/json"]["schema"]


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "application/yaml"])
def test_the_schema_is_json_whoever_asks(accept):
    answer = Client().get("/openapi.json", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/docs/"])
def test_the_pages_load_only_our_own_files(page):
    answer = Client().get(page, headers={"Accept": "text/html"})
    html = answer.content.decode()
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", html)
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "cdn" not in html.casefold()
    ours = re.findall(r"(?:src|href)=[\"'](/static/[^\"']+)", html)
    assert ours
    for path in ours:
        file = Client().get(path)
        assert file.status_code == 200, path
        assert len(b"".join(file.streaming_content)) > 500, path
    assert "/openapi.json" in html
