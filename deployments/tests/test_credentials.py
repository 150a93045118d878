"""Which registry credential a deployment may name, and what keeps the credential."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Conflict, InvalidInput
from clusters.credentials.services import change_credential, delete_credential
from clusters.models import RegistryCredential
from clusters.runtimes.registry_hosts import ALIASES, DEFAULT_HOST
from clusters.tests.factories import PULL_PASSWORD, CredentialFactory
from deployments.models import Deployment, DeploymentEvent
from deployments.services.change import change_deployment
from deployments.services.steer import cancel_deployment, requeue_deployment
from deployments.states import FINAL, HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, in_state, live

IMAGE = "registry.example.org/team/train:1"


@pytest.fixture
def credential(lab) -> RegistryCredential:
    return CredentialFactory(organization=lab, name="team")


def body(cluster, credential, image=IMAGE):
    return {
        "name": "n", "docker_image": image, "cluster_id": cluster.pk, "required_ram": 1, "required_cpu": 1,
        "registry_credential_id": credential and credential.pk,
    }  # fmt: skip


def test_it_is_answered_and_shown_and_its_run_names_it(api, bob, cluster, credential, console):
    made = api(bob).post("/deployments", body(cluster, credential))
    assert (made.status_code, made.json()["registry_credential_id"]) == (201, credential.pk)
    deployment = Deployment.objects.get()
    shown = console.get(f"/admin/deployments/deployment/{deployment.pk}/change/").content.decode()
    assert f"/admin/clusters/registrycredential/{credential.pk}/change/" in shown
    book(deployment)
    assert live(deployment).spec["registry_credential_id"] == credential.pk
    assert PULL_PASSWORD not in made.content.decode() + shown


def test_null_removes_it_and_the_story_tells_the_ids(api, bob, cluster, credential):
    path = api(bob).post("/deployments", body(cluster, credential))["Location"]
    assert api(bob).patch(path, {"registry_credential_id": None}).json()["registry_credential_id"] is None
    assert DeploymentEvent.objects.get(kind="changed").data["old"] == {
        "registry_credential_id": credential.pk
    }
    assert api(bob).patch(path, {"registry_credential_id": credential.pk}).status_code == 200


@pytest.mark.parametrize(
    "image",
    [
        "ubuntu", "registry.example.org:443/a", "registry.example.com/registry.example.org/a", "REGISTRY/a",
        "registry.example.org.evil.example.com/a", "team/registry.example.org",
    ],
)  # fmt: skip
def test_a_credential_is_never_sent_to_another_host(image, api, bob, cluster, credential):
    made = api(bob).post("/deployments", body(cluster, credential))
    for answer in (
        api(bob).post("/deployments", body(cluster, credential, image)),
        api(bob).patch(made["Location"], {"docker_image": image}),
    ):
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["field"] == "registry_credential_id"
        assert "is for registry.example.org and is sent nowhere else" in error["detail"]
    assert Deployment.objects.get().docker_image == IMAGE


def test_image_and_credential_may_change_together(api, bob, lab, cluster, credential):
    other = CredentialFactory(organization=lab, server=DEFAULT_HOST)
    path = api(bob).post("/deployments", body(cluster, credential))["Location"]
    for image in ("ubuntu", f"{next(iter(ALIASES))}/library/ubuntu"):
        changed = api(bob).patch(path, {"docker_image": image, "registry_credential_id": other.pk})
        assert changed.status_code == 200
    assert api(bob).patch(path, {"docker_image": IMAGE, "registry_credential_id": None}).status_code == 200


@pytest.mark.parametrize("gone", ["deleted", "theirs", "absent"])
def test_one_that_is_not_there_answers_alike(gone, api, bob, cluster, credential):
    id_ = {"deleted": CredentialFactory(organization=cluster.organization, deleted_at=timezone.now()).pk,
           "theirs": CredentialFactory().pk, "absent": 999_999_999}[gone]  # fmt: skip
    answer = api(bob).post("/deployments", body(cluster, credential) | {"registry_credential_id": id_})
    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        "registry_credential_id: The organization has no registry credential with this id. "
        "Name one of its list, or write null."
    )


@pytest.mark.parametrize("status", sorted(HOLDS_CAPACITY | {Status.PENDING}))
def test_while_pending_or_running_its_credential_stays(status, alice, cluster, credential):
    deployment = in_state(cluster, status, registry_credential=credential)
    for call in (
        lambda: delete_credential(actor=alice, credential_id=credential.pk),
        lambda: change_credential(
            actor=alice, credential_id=credential.pk, changes={"server": "x.example.com"}
        ),
    ):
        with pytest.raises(Conflict, match=rf"{deployment.name} \(#{deployment.pk}\)"):
            call()
    change_credential(
        actor=alice, credential_id=credential.pk, changes={"password": "new", "username": "other"}
    )


def test_a_refusal_names_ten_of_those_that_need_it(alice, cluster, credential):
    DeploymentFactory.create_batch(12, cluster=cluster, registry_credential=credential)
    with pytest.raises(Conflict) as refused:
        delete_credential(actor=alice, credential_id=credential.pk)
    assert refused.value.detail.count("(#") == 10
    assert "and others" in refused.value.detail


@pytest.mark.parametrize("status", sorted(FINAL))
def test_an_ended_one_keeps_nothing_and_is_not_queued_anew_without_its_credential(
    status, alice, cluster, credential
):
    deployment = in_state(cluster, status, registry_credential=credential)
    change_credential(actor=alice, credential_id=credential.pk, changes={"server": "x.example.com"})
    with pytest.raises(Conflict, match=r"is for x\.example\.com"):
        requeue_deployment(actor=alice, deployment_id=deployment.pk)
    delete_credential(actor=alice, credential_id=credential.pk)
    with pytest.raises(Conflict, match=r"no registry credential with this id.*Submit it anew"):
        requeue_deployment(actor=alice, deployment_id=deployment.pk)
    deployment.refresh_from_db()
    assert deployment.status == status


def test_while_running_it_cannot_change(alice, lab, cluster, credential):
    deployment = in_state(cluster, Status.RUNNING, registry_credential=credential)
    with pytest.raises(Conflict, match="registry_credential_id"):
        change_deployment(actor=alice, deployment=deployment, changes={"registry_credential_id": None})


def test_a_cancelled_one_lets_its_credential_go(alice, cluster, credential):
    deployment = DeploymentFactory(cluster=cluster, registry_credential=credential)
    cancel_deployment(actor=alice, deployment_id=deployment.pk)
    delete_credential(actor=alice, credential_id=credential.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["delete", "move to another server"])
def test_a_submission_and_the_end_of_its_credential_never_both_succeed(verb, alice, cluster, credential):
    """The submission has named it and not committed yet; whoever takes it away waits, and then sees it."""
    refused: list[Exception] = []
    begun = threading.Event()

    def take_away() -> None:
        begun.set()
        try:
            if verb == "delete":
                delete_credential(actor=alice, credential_id=credential.pk)
            else:
                changes = {"server": "x.example.com"}
                change_credential(actor=alice, credential_id=credential.pk, changes=changes)
        except Conflict as conflict:
            refused.append(conflict)
        finally:
            connection.close()

    deployment = DeploymentFactory(cluster=cluster)
    thread = threading.Thread(target=take_away)
    with transaction.atomic():
        change_deployment(
            actor=alice, deployment=deployment, changes={"registry_credential_id": credential.pk}
        )
        thread.start()
        begun.wait(5)
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(10)
    assert len(refused) == 1


def test_a_submission_after_the_deletion_is_refused(alice, cluster, credential):
    deployment = DeploymentFactory(cluster=cluster)
    delete_credential(actor=alice, credential_id=credential.pk)
    with pytest.raises(InvalidInput, match="no registry credential"):
        change_deployment(
            actor=alice, deployment=deployment, changes={"registry_credential_id": credential.pk}
        )
