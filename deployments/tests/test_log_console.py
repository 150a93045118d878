"""The log of a run in the console."""

import pytest
from django.urls import reverse

from deployments.log_protocol import FRONT_MARK, STREAM_HEADER, parse
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import last, run


@pytest.fixture
def running(cluster):
    deployment = DeploymentFactory(cluster=cluster)
    run(deployment)
    return deployment


def address(name, deployment):
    return reverse(f"admin:deployments_run_{name}", args=[last(deployment).pk])


def test_a_deployment_and_a_run_lead_to_the_log(console, running):
    log = address("log", running)
    for page in (
        reverse("admin:deployments_deployment_change", args=[running.pk]),
        reverse("admin:deployments_run_change", args=[last(running).pk]),
    ):
        assert log in console.get(page).content.decode()


def test_the_page_names_the_text_that_it_follows(console, running):
    page = console.get(address("log", running))
    assert page.status_code == 200
    assert f'data-log="{address("log_text", running)}"' in page.content.decode()


def test_the_text_is_a_session_that_is_followed(console, running):
    answer = console.get(address("log_text", running), **{FRONT_MARK: True})
    session = parse(answer[STREAM_HEADER])
    assert (session.run_id, session.follow) == (last(running).pk, True)


def test_without_the_stream_process_the_page_says_so(console, running):
    answer = console.get(address("log_text", running))
    assert (answer.status_code, b"stream process" in answer.content) == (503, True)


def test_a_log_is_for_superusers_alone(client, alice, running):
    for name in ("log", "log_text"):
        assert client.get(address(name, running)).status_code == 302
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("log", "log_text"):
        answer = client.get(address(name, running), **{FRONT_MARK: True})
        assert (answer.status_code, answer.get(STREAM_HEADER)) == (302, None)


def test_an_unknown_run_has_no_log(console):
    assert console.get("/admin/deployments/run/999999999/log/").status_code == 404
