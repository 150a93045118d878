"""Idempotency-Key: what is sent twice is submitted once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models import Deployment, SubmitKey
from deployments.services import submit
from deployments.services.once import KEPT, Once, submit_once
from deployments.tasks import delete_old_submit_keys
from deployments.tests.racing import Meeting, race

WANTS = {"name": "n", "docker_image": "busybox", "required_ram": 1, "required_cpu": 1}
INSIDE = {"name": "n", "docker_image": "busybox", "required_ram": 1024, "required_cpu": 1000}
SECRET = "a-secret-value"
KEY = "3f7c0b0e-6c0c-4c0c-9c0c-000000000001"


@pytest.fixture
def wants(cluster):
    return WANTS | {"cluster_id": cluster.pk}


def one(api, who, body, key=KEY, status=201):
    answer = api(who).post("/deployments", body, headers={"Idempotency-Key": key})
    assert answer.status_code == status, answer.content
    return answer


def many(api, who, bodies, key=KEY, status=201):
    answer = api(who).post("/deployments/bulk", {"deployments": bodies}, headers={"Idempotency-Key": key})
    assert answer.status_code == status, answer.content
    return answer


def test_the_same_sent_again_gets_the_first_answer_as_it_is_now(api, alice, wants):
    first = one(api, alice, wants)
    assert "Idempotency-Replayed" not in first
    api(alice).patch(f"/deployments/{first.json()['id']}", {"priority": "HIGH"})
    again = one(api, alice, dict(reversed(wants.items())))
    assert (again["Idempotency-Replayed"], again["Location"]) == ("true", first["Location"])
    assert (again.json()["id"], again.json()["priority"]) == (first.json()["id"], 3)
    assert Deployment.objects.count() == 1


def test_quotes_around_a_key_are_not_of_it(api, alice, wants):
    assert one(api, alice, wants).json()["id"] == one(api, alice, wants, key=f'"{KEY}"').json()["id"]


def test_a_batch_sent_again_makes_nothing(api, alice, wants):
    bodies = [wants | {"key": "a"}, wants | {"depends_on": ["a"]}]
    first, again = many(api, alice, bodies), many(api, alice, bodies)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Deployment.objects.count() == 2


def test_a_key_is_for_one_body_and_one_call(api, alice, wants):
    one(api, alice, wants)
    for problem in (
        one(api, alice, wants | {"required_gpu": 1}, status=409),
        many(api, alice, [wants], status=409),
    ):
        assert "was used for something else" in problem.json()["detail"]
    assert Deployment.objects.count() == 1


def test_another_user_may_use_the_same_key(api, alice, bob, wants):
    assert one(api, alice, wants).json()["id"] != one(api, bob, wants).json()["id"]


def test_a_refusal_uses_up_no_key(api, alice, wants):
    one(api, alice, wants | {"required_gpu": 9}, status=400)
    many(api, alice, [wants, wants | {"required_gpu": 9}], status=400)
    assert SubmitKey.objects.count() == 0
    one(api, alice, wants)


def test_what_was_deleted_meanwhile_is_not_made_anew(api, alice, wants):
    made = one(api, alice, wants).json()["id"]
    assert api(alice).delete(f"/deployments/{made}").status_code == 204
    assert "Send a new key" in one(api, alice, wants, status=409).json()["detail"]


def test_the_answer_comes_even_if_the_cluster_is_gone(api, alice, cluster, wants):
    made = one(api, alice, wants).json()["id"]
    api(alice).post(f"/deployments/{made}/cancel")
    assert api(alice).delete(f"/clusters/{cluster.pk}").status_code == 204
    assert one(api, alice, wants).json()["status"] == "cancelled"


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "é", '""'])
def test_a_key_that_cannot_be_kept_is_refused(key, api, alice, wants):
    problem = one(api, alice, wants, key=key, status=400).json()
    assert problem["errors"][0]["field"] == "Idempotency-Key"


def test_no_secret_can_be_read_from_a_key(api, alice, wants):
    one(api, alice, wants | {"secret_env": {"TOKEN": SECRET}})
    one(api, alice, wants | {"secret_env": {"TOKEN": "another"}}, status=409)
    assert SECRET not in str(SubmitKey.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_two_that_are_sent_at_once_make_one(alice, lab, cluster):
    inside, other = Meeting(), Meeting()

    def make():
        inside.arrive()
        # The other one is at the key by now, and cannot pass it.
        other.wait()
        return [submit.submit_deployment(actor=alice, organization_id=lab.pk, cluster=cluster, **INSIDE).pk]

    def second():
        inside.wait(30)
        try:
            return submit_once(actor=alice, once=Once(KEY, "f"), submit=make)
        finally:
            other.arrive()

    answers = race(lambda: submit_once(actor=alice, once=Once(KEY, "f"), submit=make), second)
    assert [answer.again for answer in answers] == [False, True]
    assert answers[0].deployment_ids == answers[1].deployment_ids
    assert Deployment.objects.count() == 1


def test_keys_are_forgotten_in_time(api, alice, wants):
    one(api, alice, wants, key="old")
    SubmitKey.objects.update(created_at=timezone.now() - KEPT - timedelta(seconds=1))
    one(api, alice, wants, key="new")
    assert delete_old_submit_keys() == 1
    assert SubmitKey.objects.get().key == "new"
