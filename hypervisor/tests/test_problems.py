"""Errors on the wire that no well-meant call meets: our own mistakes, and a database that is away."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from django.urls import path
from rest_framework.exceptions import ErrorDetail
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from hypervisor.problems import LONGEST_DETAIL, field_errors

SECRET = "password=hunter2"
RAISED = {
    "mistake": RuntimeError(SECRET),
    "database": OperationalError(SECRET),
    "missing": Http404(SECRET),
    "denied": PermissionDenied(SECRET),
    "input": InvalidInput({"name": "Too short."}),
    "sign-in": NotSignedIn("No."),
    "forbidden": Forbidden("Not yours."),
    "absent": NotFound("Not here."),
    "conflict": Conflict("Not now.", state="running", allowed=["stop"]),
}


class Raising(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request, name) -> Response:
        raise RAISED[name]


urlpatterns = [path("raise/<name>", Raising.as_view())]
handler404 = "hypervisor.problems.page_not_found"
handler500 = "hypervisor.problems.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("name", "status"),
    [("mistake", 500), ("database", 503), ("missing", 404), ("denied", 403), ("input", 400), ("sign-in", 401),
     ("forbidden", 403), ("absent", 404), ("conflict", 409)],
)  # fmt: skip
def test_an_error_becomes_a_problem_that_tells_nothing_of_the_inside(name, status):
    answer = Client(raise_request_exception=False).get(f"/raise/{name}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-ID"]
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"]
    assert SECRET not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.urls(__name__)
def test_a_database_that_is_away_asks_to_come_back():
    assert Client().get("/raise/database")["Retry-After"] == "5"


@pytest.mark.urls(__name__)
def test_a_conflict_carries_the_state_and_the_actions():
    problem = Client().get("/raise/conflict").json()
    assert (problem["state"], problem["allowed"]) == ("running", ["stop"])


@pytest.mark.urls(__name__)
def test_a_refused_sign_in_speaks_oauth_too():
    answer = Client().get("/raise/sign-in")
    assert answer.json()["error"] == "invalid_grant"
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.urls(__name__)
def test_a_refused_field_is_named_in_the_sentence_and_in_the_list():
    problem = Client().get("/raise/input").json()
    assert problem["detail"] == "name: Too short."
    assert problem["errors"] == [{"field": "name", "detail": "Too short."}]


def test_an_answer_stays_small_however_much_is_wrong(api, alice, lab):
    wrong = {"x" * 10_000 + str(number): 1 for number in range(100)}
    body = {"name": "n", "organization_id": lab.pk, "total_ram": 1, "total_cpu": 1, "total_gpu": 1}
    answer = api(alice).post("/clusters", body | {"connection": wrong})
    assert answer.status_code == 400
    assert len(answer.content) < 100_000


def test_nested_errors_become_flat_with_the_whole_path():
    detail = {
        "name": [ErrorDetail("short")],
        "env": {"A": [ErrorDetail("no")]},
        "ports": {0: [ErrorDetail("low")], 2: ["high"]},
        "rows": [{"x": ["one"]}, {}, {"x": ["three"]}],
        "plain": "text",
    }
    assert [(error["field"], error["detail"]) for error in field_errors(detail)] == [
        ("name", "short"),
        ("env.A", "no"),
        ("ports[0]", "low"),
        ("ports[2]", "high"),
        ("rows[0].x", "one"),
        ("rows[2].x", "three"),
        ("plain", "text"),
    ]


def test_a_message_that_quotes_a_megabyte_is_cut():
    (error,) = field_errors({"name": ["x" * 1_000_000]})
    assert len(error["detail"]) == LONGEST_DETAIL + 1


def test_an_unknown_host_is_a_problem_too():
    answer = Client().get("/clusters", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
