"""Whatever is sent: a 4xx problem that names the field, never a 5xx, nothing half written."""

import json
from typing import Any

import orjson
import pytest
from django.apps import apps

from clusters.tests.factories import CredentialFactory
from deployments.tests.factories import DeploymentFactory
from hypervisor.openapi import document
from hypervisor.tests.routes import api_routes
from hypervisor.tests.wrong_values import GOOD, WRONG, assert_refused
from organizations.tests.factories import DeliveryFactory

OURS = ("accounts", "organizations", "clusters", "deployments", "scheduling")
WRITING = [call for call in api_routes() if call[0] in {"POST", "PUT", "PATCH"}]
BROKEN = {
    "cut off": b'{"name": "a',
    "no JSON": b"name=a",
    "a list": b"[]",
    "text": b'"name"',
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "a number beyond all bounds": b'{"name": 1e999}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate as a name": b'{"\\udfff": "x"}',
    "bytes that are not UTF-8": b'{"name": "\xff\xfe"}',
    "a zero byte": b'{"name": "a\0b"}',
    "a name that is there twice": b'{"name": "a", "name": "b"}',
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"name":' * 100_000,
    # Not as `name`: where that is read-only it is ignored, as long as this Python can read so deep a list.
    "a deep list that ends": b'{"nonsense":' + b"[" * 900 + b"]" * 900 + b"}",
    "another text encoding": '{"name": "a"}'.encode("utf-16"),
    "an unknown field": b'{"nonsense": 1}',
    "an unknown field without a name": b'{"": 1}',
    "many unknown fields": orjson.dumps({f"nonsense{n}": n for n in range(20_000)}),
}


@pytest.fixture
def known(lab, cluster, alice, bob):
    """The ids that a path may name."""
    delivery = DeliveryFactory(webhook__organization=lab)
    return {
        "organization_id": lab.pk,
        "cluster_id": cluster.pk,
        "deployment_id": DeploymentFactory(cluster=cluster, created_by=alice).pk,
        "user_id": bob.pk,
        "credential_id": CredentialFactory(organization=lab).pk,
        "webhook_id": delivery.webhook_id,
        "delivery_id": delivery.pk,
    }


def rows() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for app in OURS
        for model in apps.get_app_config(app).get_models()
    }


@pytest.mark.parametrize("call", WRITING, ids=" ".join)
def test_a_body_that_is_no_good_json_object_is_refused(api, alice, known, call):
    verb, path = call
    client = api(alice)
    before = rows()
    for body in BROKEN.values():
        problem = assert_refused(client.generic(verb, path.format(**known), body, "application/json"), 400)
        assert problem.get("errors") or "JSON" in problem["detail"] or "deeply" in problem["detail"], problem
    assert rows() == before


@pytest.mark.parametrize("call", WRITING, ids=" ".join)
def test_an_unknown_field_is_refused_by_name(api, alice, known, call):
    verb, path = call
    problem = assert_refused(
        api(alice).generic(verb, path.format(**known), b'{"nonsense": 1}', "application/json"), 400
    )
    assert problem["errors"][0]["field"] == "nonsense"


@pytest.mark.parametrize("call", WRITING, ids=" ".join)
def test_a_body_of_another_content_type_is_refused(api, alice, known, call):
    verb, path = call
    client = api(alice)
    before = rows()
    for content_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", ""):
        answer = client.generic(verb, path.format(**known), b'{"name": "a"}', content_type)
        assert_refused(answer, 415)
    assert rows() == before


@pytest.mark.parametrize("call", WRITING, ids=" ".join)
def test_a_body_of_ten_megabytes_is_refused(api, alice, known, call):
    verb, path = call
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    problem = assert_refused(api(alice).generic(verb, path.format(**known), body, "application/json"), 413)
    assert "bytes" in problem["detail"]


@pytest.mark.parametrize(
    "path", [path for verb, path in WRITING if verb == "POST" and (path in GOOD or path == "/organizations")]
)
def test_an_empty_body_is_refused_where_fields_are_needed(api, alice, known, path):
    for body in (b"", b"{}"):
        problem = assert_refused(
            api(alice).generic("POST", path.format(**known), body, "application/json"), 400
        )
        assert problem["errors"]


@pytest.mark.parametrize(
    ("call", "field"),
    [(call, field) for call, fields in WRONG.items() for field in fields],
    ids=lambda x: x if isinstance(x, str) else " ".join(x),
)
def test_a_wrong_value_is_refused_and_its_field_named(api, alice, known, call, field):
    verb, path = call
    good = dict(GOOD.get(path, {})) if verb == "POST" else {}
    if path in {"/clusters", "/deployments"} and verb == "POST":
        good |= {"organization_id": known["organization_id"]}
    if path == "/deployments":
        good |= {"cluster_id": known["cluster_id"]}
    client = api(alice)
    before = rows()
    for value in WRONG[call][field]:
        # Written by hand where orjson cannot: whole numbers of any length.
        body = orjson.dumps({**good, field: "@"}).replace(b'"@"', written(value))
        problem = assert_refused(client.generic(verb, path.format(**known), body, "application/json"), 400)
        fields = {error["field"] for error in problem.get("errors", ())}
        assert any(name == field or name.startswith((f"{field}.", f"{field}[")) for name in fields), (
            value,
            problem,
        )
        assert all(error["detail"] for error in problem["errors"])
    assert rows() == before


def test_each_call_with_a_body_has_wrong_values_of_its_own():
    declared = {
        (verb.upper(), path)
        for path, verbs in orjson.loads(document())["paths"].items()
        for verb, operation in verbs.items()
        if "requestBody" in operation and (verb != "put" or "patch" not in verbs)
    }
    assert declared == WRONG.keys()


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_several_wrong_fields_are_named_at_once(api, alice):
    answer = api(alice).post("/deployments", {"name": "", "required_ram": -1, "priority": 9, "ports": ["x"]})
    fields = {error["field"] for error in assert_refused(answer, 400)["errors"]}
    assert fields == {
        "name",
        "docker_image",
        "cluster_id",
        "required_ram",
        "required_cpu",
        "priority",
        "ports[0]",
    }


def test_what_a_deployment_waits_for_must_not_close_a_circle(api, alice, cluster):
    client = api(alice)
    first, second, third = (DeploymentFactory(cluster=cluster, created_by=alice).pk for _ in range(3))
    assert client.patch(f"/deployments/{second}", {"dependency_ids": [first]}).status_code == 200
    assert client.patch(f"/deployments/{third}", {"dependency_ids": [second, second]}).status_code == 200
    before = rows()
    for id_, waits_for in ((first, [third]), (first, [first]), (second, [first, third])):
        problem = assert_refused(client.patch(f"/deployments/{id_}", {"dependency_ids": waits_for}), 400)
        assert problem["errors"][0]["field"] == "dependency_ids"
    assert rows() == before
