"""Submitting."""

import pytest

from accounts.errors import InvalidInput
from clusters.services import delete_cluster
from deployments.models import Deployment, DeploymentEvent
from deployments.services.submit import submit_deployment
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import kinds
from organizations.services import delete_organization

WANTS = {"name": "train", "docker_image": "train:1", "required_ram": 1024, "required_cpu": 1000}
SECRET, PLAIN = "a-secret-value", "a-plain-value"


def submit(alice, cluster, **asked) -> Deployment:
    return submit_deployment(
        actor=alice, organization_id=cluster.organization_id, cluster=cluster, **WANTS | asked
    )


def test_it_waits_in_the_queue_of_its_cluster(alice, cluster, only_legal_moves):
    deployment = submit(alice, cluster, required_gpu=2000)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason, deployment.seat_granted_at) == ("pending", None, None)
    assert deployment.created_by == alice
    assert deployment.cluster == cluster


def test_its_first_event_tells_what_it_asks_for(alice, cluster):
    other = DeploymentFactory(cluster=cluster)
    deployment = submit(alice, cluster, priority=3, dependency_ids=[other.pk])
    (submitted,) = deployment.events.all()
    assert submitted.data == {
        "to": "pending",
        "cluster_id": cluster.pk,
        "priority": 3,
        "required_ram": 1024,
        "required_cpu": 1000,
        "required_gpu": 0,
        "dependency_ids": [other.pk],
    }
    assert (submitted.kind, submitted.source, submitted.actor) == ("submitted", "user", alice)


def test_one_that_could_never_fit_is_refused_with_each_limit(alice, cluster):
    with pytest.raises(InvalidInput) as refused:
        submit(alice, cluster, required_gpu=8001, required_ram=256 * 1024 + 1)
    assert set(refused.value.fields) == {"required_gpu", "required_ram"}
    assert "8 GPUs" in refused.value.fields["required_gpu"]
    assert not Deployment.objects.exists()


def test_one_that_takes_the_whole_cluster_is_accepted(alice, cluster):
    assert submit(alice, cluster, required_gpu=8000, required_cpu=64_000, required_ram=256 * 1024).pk


def test_secrets_are_encrypted_and_neither_they_nor_the_environment_are_in_an_event(alice, cluster):
    deployment = submit(alice, cluster, env={"MODE": PLAIN}, secret_env={"TOKEN": SECRET})
    deployment.refresh_from_db()
    assert SECRET not in deployment.secret_env
    assert deployment.secret_env_names == ["TOKEN"]
    story = str(list(DeploymentEvent.objects.values()))
    assert SECRET not in story
    assert PLAIN not in story
    assert deployment.secret_env not in story


@pytest.mark.parametrize("missing", ["unknown", "another organization's", "deleted"])
def test_a_dependency_that_is_not_there_is_refused_and_nothing_is_written(missing, alice, cluster):
    ids = {"unknown": 10**9, "another organization's": DeploymentFactory().pk}
    gone = DeploymentFactory(cluster=cluster, deleted_at="2026-01-01T00:00:00Z", status="cancelled")
    before = Deployment.objects.count()
    with pytest.raises(InvalidInput, match=str(ids.get(missing, gone.pk))):
        submit(alice, cluster, dependency_ids=[ids.get(missing, gone.pk)])
    assert Deployment.objects.count() == before
    assert kinds(gone) == []


def test_a_cluster_that_was_deleted_since_the_caller_looked_is_refused(alice, cluster):
    delete_cluster(actor=alice, cluster_id=cluster.pk)
    with pytest.raises(InvalidInput, match="deleted"):
        submit(alice, cluster)


def test_a_cluster_whose_organization_was_deleted_is_refused(alice, lab, cluster):
    delete_organization(actor=alice, organization=lab)
    with pytest.raises(InvalidInput, match="deleted"):
        submit(alice, cluster)


def test_a_cluster_that_shrank_since_the_caller_looked_counts_as_it_is_now(alice, cluster):
    type(cluster).objects.filter(pk=cluster.pk).update(total_gpu=1000)
    with pytest.raises(InvalidInput, match="1 GPUs in all"):
        submit(alice, cluster, required_gpu=2000)
