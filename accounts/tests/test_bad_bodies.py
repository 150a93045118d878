"""Bodies that are no JSON object of ours, for calls of accounts and of others alike."""

import pytest

from accounts.models import User

pytestmark = pytest.mark.django_db
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LARGE = "x" * 10_000_000


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json", answer.content[:500]
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body


@pytest.mark.parametrize(
    "body", ["", "{", '{"username": NaN}', "[" * 5000, '{"username": "\\ud800"}', b"\xff\xfe{}"]
)
@pytest.mark.parametrize("path", ["/register", "/token"])
def test_what_is_not_json_is_a_400(api, path, body):
    status, _ = problem(api().generic("POST", path, body, content_type=JSON))
    assert status == 400


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "7", "true"])
@pytest.mark.parametrize("path", ["/register", "/token"])
def test_what_is_not_an_object_is_a_400(api, path, body):
    status, _ = problem(api().generic("POST", path, body, content_type=JSON))
    assert status == 400


def test_a_name_of_ten_megabytes_is_a_413(api, alice):
    assert problem(api().post("/register", {"username": LARGE, "password": "x"}))[0] == 413
    assert problem(api(alice).post("/organizations", {"name": LARGE}))[0] == 413
    assert problem(api().generic("POST", "/token", f"username={LARGE}", content_type=FORM))[0] == 413
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", FORM, "multipart/form-data; boundary=x", "application/xml"]
)
def test_another_content_type_is_a_415_that_says_what_to_send(api, content_type):
    status, body = problem(api().generic("POST", "/register", "username=dora", content_type=content_type))
    assert status == 415
    assert "Send application/json." in body["detail"]


def test_the_token_call_names_both_content_types(api):
    status, body = problem(api().generic("POST", "/token", "username", content_type="text/plain"))
    assert status == 415
    assert "Send application/json or application/x-www-form-urlencoded." in body["detail"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("username=alice&username=bob&password=x", "once"),
        ("&".join(f"field{n}=1" for n in range(100)), "too many fields"),
        (b"username=\xff&password=x", "UTF-8"),
        ("username=%ff&password=x", "UTF-8"),
        ("username=a%00b&password=x", "Null characters"),
        ("username=alice&password=x&colour=red", "Unknown field"),
        ("", "required"),
    ],
)
def test_a_form_that_no_oauth_client_sends_is_a_400(api, body, says):
    status, answer = problem(api().generic("POST", "/token", body, content_type=FORM))
    assert status == 400
    assert says in answer["detail"]


@pytest.mark.parametrize("charset", ["raw_unicode_escape", "utf-7", "base64", "nonsense"])
def test_the_charset_of_a_form_is_not_the_senders_choice(api, charset):
    body = "username=%5Cud800&password=x"
    status, _ = problem(api().generic("POST", "/token", body, content_type=f"{FORM}; charset={charset}"))
    assert status == 401


def test_not_more_than_twenty_unknown_fields_are_named(api):
    _, body = problem(api().post("/register", {f"field{n}": 1 for n in range(1000)}))
    assert len(body["errors"]) == 20
