"""What a deployment waits for."""

import pytest

from accounts.errors import Conflict, InvalidInput
from deployments.models import Deployment
from deployments.services.change import change_deployment
from deployments.services.dependencies import clusters_of_dependents, dependency_ids
from deployments.services.steer import cancel_deployment, delete_deployment
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state


def wait_for(alice, deployment, *others) -> None:
    change_deployment(
        actor=alice, deployment=deployment, changes={"dependency_ids": [other.pk for other in others]}
    )


@pytest.fixture
def abc(cluster) -> list[Deployment]:
    return DeploymentFactory.create_batch(3, cluster=cluster)


def test_what_it_waits_for_is_replaced_as_a_whole(alice, abc):
    a, b, c = abc
    wait_for(alice, c, a)
    wait_for(alice, c, b, b)
    assert dependency_ids(c.pk) == [b.pk]
    wait_for(alice, c)
    assert dependency_ids(c.pk) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_any_length_is_refused(length, alice, abc):
    ring = abc[:length]
    for waiting, other in zip(ring[1:], ring, strict=False):
        wait_for(alice, waiting, other)
    with pytest.raises(InvalidInput, match="circle"):
        wait_for(alice, ring[0], ring[-1])
    assert dependency_ids(ring[0].pk) == []


def test_a_circle_through_one_that_has_ended_is_refused_since_it_may_run_again(alice, cluster, abc):
    a, b, _ = abc
    wait_for(alice, b, a)
    cancel_deployment(actor=alice, deployment_id=b.pk)
    with pytest.raises(InvalidInput, match="circle"):
        wait_for(alice, a, b)


def test_a_diamond_is_no_circle(alice, cluster, abc):
    a, b, c = abc
    d = DeploymentFactory(cluster=cluster)
    wait_for(alice, b, a)
    wait_for(alice, c, a)
    wait_for(alice, d, b, c)
    assert dependency_ids(d.pk) == [b.pk, c.pk]


def test_one_of_another_organization_is_refused_like_one_that_is_not_there(alice, abc):
    foreign = DeploymentFactory()
    with pytest.raises(InvalidInput) as refused:
        wait_for(alice, abc[0], foreign)
    with pytest.raises(InvalidInput) as unknown:
        wait_for(alice, abc[0], Deployment(pk=10**9))
    assert refused.value.detail.replace(str(foreign.pk), "") == unknown.value.detail.replace(str(10**9), "")


def test_one_that_a_pending_one_waits_for_is_not_deleted(alice, abc):
    a, b, _ = abc
    wait_for(alice, b, a)
    with pytest.raises(Conflict, match=f"wait for this one: {b.pk}") as refused:
        delete_deployment(actor=alice, deployment_id=a.pk)
    assert "cancel" in refused.value.allowed
    assert "delete" not in refused.value.allowed


def test_it_is_deleted_once_nobody_pending_waits_for_it(alice, abc):
    a, b, _ = abc
    wait_for(alice, b, a)
    cancel_deployment(actor=alice, deployment_id=b.pk)
    delete_deployment(actor=alice, deployment_id=a.pk)
    a.refresh_from_db()
    assert (a.status, a.deleted_at is not None) == ("cancelled", True)


def test_only_pending_dependents_are_of_interest_to_the_scheduler(alice, cluster, abc):
    a, b, c = abc
    done = in_state(cluster, Status.COMPLETED)
    done.dependency_rows.create(depends_on=a)
    assert clusters_of_dependents([a.pk]) == []
    wait_for(alice, b, a)
    wait_for(alice, c, a)
    assert clusters_of_dependents([a.pk]) == [cluster.pk]
