"""Verbs, content negotiation, probes: what any HTTP client expects of any service."""

import pytest

from hypervisor.tests.routes import ABSENT, VERBS, api_routes


@pytest.fixture
def mine(api, alice):
    return api(alice)


@pytest.mark.parametrize("path", sorted({path for _, path in api_routes()}))
def test_a_verb_that_is_not_there_is_a_405_that_names_those_that_are(mine, path):
    able = {verb for verb, known in api_routes() if known == path}
    for verb in set(VERBS) - able:
        answer = mine.generic(verb, path.format(**ABSENT))
        assert answer.status_code == 405
        assert answer["Content-Type"] == "application/problem+json"
        assert able <= set(answer["Allow"].split(", "))
        assert answer.json()["detail"].endswith(f"Allowed are {answer['Allow']}.")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/metrics"])
def test_probes_and_schema_are_only_read(path, mine):
    assert mine.get(path).status_code == 200
    answer = mine.post(path, {})
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Allow"] == "GET, HEAD"


def test_probes_answer_ok(api):
    assert api().get("/healthz").json() == {"status": "ok"}
    assert api().get("/readyz").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/deployments", "/healthz", "/me"])
def test_head_answers_like_get_without_the_body(mine, path):
    head, got = mine.head(path), mine.get(path)
    assert head.status_code == got.status_code == 200
    assert head["Content-Type"] == got["Content-Type"]


def test_options_says_what_is_allowed(mine):
    answer = mine.options("/deployments")
    assert answer.status_code == 200
    assert set(answer["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


def test_who_accepts_only_html_is_told_so_in_a_problem(mine):
    answer = mine.get("/clusters", headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/problem+json"


def test_a_stranger_is_told_to_sign_in(api):
    answer = api().get("/deployments")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
