"""What web believes of a client's address, and of whom."""

from io import BytesIO

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from deployments.log_protocol import FRONT_MARK
from hypervisor.front import STILL_MARK, behind_front, front_proof

KEY = "a secret key that is known to both"


def seen(application=None, *, remote="", forwarded="", **headers):
    """The environ that the application gets."""
    found = {}

    def inner(environ, start_response):
        found.update(environ)
        return [b""]

    environ = {"REMOTE_ADDR": remote} | {
        f"HTTP_X_HYPERVISOR_{name.upper()}": v for name, v in headers.items()
    }
    if forwarded:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    behind_front(inner, secret_key=KEY)(environ, None)
    return found


def test_with_the_right_proof_the_client_is_the_one_that_the_front_saw():
    environ = seen(remote="", peer="203.0.113.7", front=front_proof(KEY))
    assert environ["REMOTE_ADDR"] == "203.0.113.7"
    assert environ[FRONT_MARK] is True


@pytest.mark.parametrize("proof", ["", "x", front_proof("another key"), front_proof(KEY).upper(), "ä"])
def test_who_forges_the_headers_gains_nothing(proof):
    environ = seen(remote="198.51.100.1", peer="127.0.0.1", front=proof)
    assert environ == {"REMOTE_ADDR": "198.51.100.1"}


def test_only_the_front_may_ask_whether_an_answer_may_go_on():
    assert STILL_MARK not in seen(peer="203.0.113.7", front=front_proof(KEY))
    assert seen(still="1", front=front_proof(KEY))[STILL_MARK] is True
    assert seen(still="1", front="x") == seen(still="1") == {"REMOTE_ADDR": ""}


@pytest.mark.parametrize("proof", [None, "", "x"])
def test_who_comes_past_the_front_chooses_no_address(proof):
    environ = seen(remote="127.0.0.1", forwarded="6.6.6.6", **({} if proof is None else {"front": proof}))
    assert environ == {"REMOTE_ADDR": ""}


def test_through_the_front_what_a_proxy_says_is_kept():
    environ = seen(forwarded="6.6.6.6", peer="203.0.113.7", front=front_proof(KEY))
    assert environ["HTTP_X_FORWARDED_FOR"] == "6.6.6.6"


@pytest.mark.django_db
@pytest.mark.parametrize(("peer", "status"), [("127.0.0.1", "200"), ("203.0.113.7", "403"), ("", "403")])
def test_metrics_are_for_loopback_alone_through_the_front_too(peer, status):
    environ = RequestFactory().get("/metrics", HTTP_HOST="localhost").environ
    environ |= {
        "REMOTE_ADDR": "",
        "HTTP_X_HYPERVISOR_PEER": peer,
        "HTTP_X_HYPERVISOR_FRONT": front_proof(KEY),
        "wsgi.input": BytesIO(),
    }
    told = []
    answer = behind_front(get_wsgi_application(), secret_key=KEY)(
        environ, lambda line, headers: told.append(line)
    )
    list(answer)
    assert told[0].startswith(status)
