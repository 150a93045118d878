"""Changing what a deployment asks for."""

import pytest
from django.utils import timezone

from accounts.errors import Conflict, InvalidInput
from accounts.models import AuditEntry
from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from deployments.services.change import change_deployment
from deployments.services.submit import with_encrypted_secrets
from deployments.states import FINAL, HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, kinds

CHANGES = {
    "required_ram": 2048, "required_cpu": 2000, "required_gpu": 2000, "docker_image": "other:2", "env": {"A": "b"},
    "secret_env": {"TOKEN": "t"}, "command": ["run"], "args": ["-v"], "working_dir": "/w", "max_retries": 2,
    "restart_policy": "always", "time_limit_seconds": 9, "grace_period_seconds": 9, "expected_seconds": 9,
    "checkpoint_interval_seconds": 9,
    "simulated_seconds": 9.5, "labels": {"a": "b"}, "ports": [80], "image_pull_policy": "never",
}  # fmt: skip


@pytest.fixture
def deployment(cluster) -> Deployment:
    return DeploymentFactory(cluster=cluster)


@pytest.fixture
def other_cluster(lab) -> Cluster:
    return ClusterFactory(organization=lab, name="other")


def change(alice, deployment, cluster=None, **changes) -> Deployment:
    change_deployment(actor=alice, deployment=deployment, changes=changes, cluster=cluster)
    deployment.refresh_from_db()
    return deployment


@pytest.mark.parametrize("field", CHANGES)
def test_while_pending_everything_can_change(field, alice, deployment):
    change(alice, deployment, **{field: CHANGES[field]})
    stored = "secret_env_names" if field == "secret_env" else field
    assert getattr(deployment, stored) == (["TOKEN"] if field == "secret_env" else CHANGES[field])
    assert kinds(deployment) == ["changed"]


@pytest.mark.parametrize("status", sorted(HOLDS_CAPACITY | FINAL))
@pytest.mark.parametrize("field", CHANGES)
def test_later_nothing_of_it_can_change(field, status, alice, cluster):
    deployment = in_state(cluster, status)
    with pytest.raises(Conflict, match=f"is {status}, so you cannot change {field}"):
        change(alice, deployment, **{field: CHANGES[field]})


@pytest.mark.parametrize("status", sorted(frozenset(Status) - FINAL))
def test_name_and_priority_change_until_the_end(status, alice, cluster):
    deployment = change(alice, in_state(cluster, status), name="new", priority=3)
    assert (deployment.name, deployment.priority) == ("new", 3)


def test_one_field_that_may_not_change_keeps_all_others_from_changing(alice, cluster):
    deployment = in_state(cluster, Status.RUNNING)
    with pytest.raises(Conflict):
        change(alice, deployment, name="new", required_gpu=2000)
    deployment.refresh_from_db()
    assert deployment.name != "new"


@pytest.mark.parametrize("status", Status)
def test_unchanged_values_are_ignored_in_every_state(status, alice, cluster):
    secret = with_encrypted_secrets({"secret_env": {"TOKEN": "t"}})
    first = DeploymentFactory(cluster=cluster)
    deployment = in_state(cluster, status, **secret)
    deployment.dependency_rows.create(depends_on=first)
    before = kinds(deployment)
    same = {"name": deployment.name, "required_gpu": 1000, "env": {}, "secret_env": {"TOKEN": "t"}}
    change(alice, deployment, cluster, **same, dependency_ids=[first.pk, first.pk])
    assert kinds(deployment) == before


def test_an_event_and_the_audit_log_carry_old_and_new(alice, deployment):
    first = DeploymentFactory(cluster=deployment.cluster)
    change(alice, deployment, priority=3, required_gpu=2000, dependency_ids=[first.pk])
    (changed,) = deployment.events.all()
    assert changed.data == {
        "old": {"priority": 2, "required_gpu": 1000, "dependency_ids": []},
        "new": {"priority": 3, "required_gpu": 2000, "dependency_ids": [first.pk]},
        "hidden": [],
    }
    entry = AuditEntry.objects.get(action="deployment.changed")
    assert (entry.detail, entry.actor) == (changed.data, alice)


def test_environment_and_secrets_are_named_in_an_event_and_never_shown(alice, deployment):
    change(alice, deployment, env={"MODE": "a-plain-value"}, secret_env={"TOKEN": "a-secret-value"})
    change(alice, deployment, env={}, secret_env={})
    stories = [event.data for event in deployment.events.all()]
    assert [story["hidden"] for story in stories] == [["env", "secret_env", "secret_env_names"]] * 2
    assert not any(story["old"] or story["new"] for story in stories)
    assert "value" not in str(list(AuditEntry.objects.values("detail")))


def test_a_move_keeps_the_place_in_the_queue(alice, deployment, other_cluster):
    queued_at = deployment.queued_at
    change(alice, deployment, other_cluster)
    assert (deployment.cluster, deployment.queued_at) == (other_cluster, queued_at)
    (changed,) = deployment.events.all()
    assert changed.data["new"] == {"cluster_id": other_cluster.pk}


def test_a_move_to_where_it_never_fits_is_refused(alice, deployment, lab):
    small = ClusterFactory(organization=lab, gpu=0.5)
    with pytest.raises(InvalidInput, match=r"0\.5 GPUs in all"):
        change(alice, deployment, small)


def test_a_move_to_a_cluster_deleted_meanwhile_is_refused(alice, deployment, other_cluster):
    Cluster.objects.filter(pk=other_cluster.pk).update(deleted_at=timezone.now())
    with pytest.raises(InvalidInput, match="deleted"):
        change(alice, deployment, other_cluster)


def test_a_change_that_finds_it_moved_meanwhile_is_a_conflict(alice, deployment, other_cluster):
    Deployment.objects.filter(pk=deployment.pk).update(cluster=other_cluster)
    with pytest.raises(Conflict, match="moved"):
        change_deployment(actor=alice, deployment=deployment, changes={"required_gpu": 2000})


def test_on_a_cluster_that_shrank_a_name_and_a_priority_still_change(alice, deployment):
    Cluster.objects.filter(pk=deployment.cluster_id).update(total_gpu=0)
    assert change(alice, deployment, name="new", priority=1).priority == 1
    with pytest.raises(InvalidInput, match="0 GPUs in all"):
        change(alice, deployment, required_cpu=2000)


SEAT_ENDS = {
    "required_gpu": 2000,
    "required_cpu": 2000,
    "required_ram": 2048,
    "priority": 1,
    "dependency_ids": True,
    "cluster": True,
}


@pytest.mark.parametrize("field", SEAT_ENDS)
def test_an_edit_of_what_the_seat_was_promised_for_ends_the_seat(field, alice, cluster, other_cluster):
    deployment = DeploymentFactory(cluster=cluster, seat_granted_at=timezone.now())
    value = {"dependency_ids": [DeploymentFactory(cluster=cluster).pk], "cluster": other_cluster}.get(
        field, SEAT_ENDS[field]
    )
    change(alice, deployment, **{field: value})
    assert deployment.seat_granted_at is None
    assert kinds(deployment) == ["seat_dropped", "changed"]


def test_any_other_edit_keeps_the_seat(alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, seat_granted_at=timezone.now())
    assert change(alice, deployment, name="new", env={"A": "b"}).seat_granted_at
