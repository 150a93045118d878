"""A refusal says what to write instead: the words that a field knows, and how to sign in."""

import pytest

STATUSES = "pending, starting, running, stopping, completed, failed, cancelled"


def refused(answer, status=400):
    assert answer.status_code == status, answer.content
    return answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/deployments?status=bogus", f'status: "bogus" is not one of: {STATUSES}.'),
        ("/deployments?status=failed&status=bogus", f'status: "bogus" is not one of: {STATUSES}.'),
        (
            "/deployments?ordering=-name,foo",
            'ordering: "foo" is not one of: id, created_at, queued_at, name, priority, status; '
            "a - before a name turns its order round.",
        ),
        ("/clusters?state=bogus", 'state: "bogus" is not one of: unreachable, paused, overcommitted, ready.'),
    ],
)
def test_a_wrong_word_in_a_query_is_answered_with_those_that_are_known(api, alice, path, says):
    assert refused(api(alice).get(path)).startswith(says)


def test_a_wrong_word_in_a_body_is_answered_with_those_that_are_known(api, alice, cluster):
    client = api(alice)
    told = refused(client.patch(f"/clusters/{cluster.pk}/policy", {"preset": "foo"}))
    assert told.startswith('preset: "foo" is not one of: two_phase, ')
    told = refused(client.post("/deployments", {"restart_policy": "sometimes"}))
    assert 'restart_policy: "sometimes" is not one of: never, on_failure, always.' in told
    told = refused(client.post("/clusters", {"runtime": "foo"}))
    assert 'runtime: "foo" is not one of: simulated, docker, kubernetes.' in told


@pytest.mark.parametrize("priority", ["urgent", "1", 4, True])
def test_a_wrong_priority_is_answered_with_both_spellings(api, alice, priority):
    told = refused(api(alice).post("/deployments", {"priority": priority}))
    assert 'priority: Write 1, 2, 3 or "LOW", "MEDIUM", "HIGH".' in told


def test_an_id_that_no_row_can_have_is_called_too_large(api, alice):
    told = refused(api(alice).post("/deployments", {"cluster_id": 99999999999999999999999}))
    assert "cluster_id: Ensure this value is less than or equal to 9223372036854775807." in told
    assert "cluster_id: A valid integer is required." in refused(
        api(alice).post("/deployments", {"cluster_id": 1.5})
    )


def test_who_sends_no_token_is_told_how_to_get_one_and_where_to_write_it(api):
    answer = api().get("/deployments")
    told = refused(answer, 401)
    assert "POST /token" in told
    assert "Authorization: Bearer ACCESS_TOKEN" in told
    assert answer["WWW-Authenticate"].startswith("Bearer")
