"""Hypothesis calls everything that the schema declares, with good and with bad data: no 5xx, nothing undeclared."""

import os

import orjson
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.tokens import issue
from clusters.tests.factories import CredentialFactory
from deployments.tests.factories import DeploymentFactory
from hypervisor.openapi import document
from hypervisor.tests.routes import api_routes
from hypervisor.wsgi import application
from organizations.tests.factories import DeliveryFactory

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "40"))
"""For each call. More of them hunt deeper."""


@pytest.fixture(scope="module")
def schema():
    load_all_checks()
    schema = schemathesis.openapi.from_dict(orjson.loads(document()))
    schema.app = application
    return schema


@pytest.fixture
def kept_connection():
    """Requests leave the test's transaction alone, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("kept_connection", "engine_worker")
@pytest.mark.parametrize("call", api_routes(), ids=" ".join)
def test_no_input_makes_a_call_answer_what_it_does_not_declare(call, schema, alice, lab, cluster):
    verb, path = call
    headers = {"Authorization": f"Bearer {issue(user=alice)['access_token']}"}
    known = {
        "organization_id": lab.pk,
        "cluster_id": cluster.pk,
        "deployment_id": DeploymentFactory(cluster=cluster, created_by=alice).pk,
        "user_id": alice.pk,
        "credential_id": CredentialFactory(organization=lab).pk,
        "webhook_id": (delivery := DeliveryFactory(webhook__organization=lab)).webhook_id,
        "delivery_id": delivery.pk,
    }
    operation = schema[path][verb]
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if operation.path_parameters or operation.query or operation.body:
        cases |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES <= 40,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans())
    def check(case, real):
        if real:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        # Rolled back, so that each call meets the same rows.
        with transaction.atomic():
            # There is no stream process in front, and the call says so with a 503, which is declared.
            case.call_and_validate(headers=headers, checks=CHECKS[1:] if path == "/events" else CHECKS)
            transaction.set_rollback(True)

    check()
