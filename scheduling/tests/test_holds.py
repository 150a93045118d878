"""Why a deployment is not even considered: its cluster, what it waits for, its own size."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clusters.models import Cluster
from clusters.services import change_cluster
from deployments.models import Deployment
from deployments.services.steer import cancel_deployment, requeue_deployment
from deployments.states import Status
from deployments.tests.lives import exits, in_state, look, now_is
from scheduling.tests.cycles import HIGH, LOW, counts, cycle, lose_engine, pause, submit

pytestmark = pytest.mark.usefixtures("only_legal_moves")


@pytest.mark.parametrize(
    ("ending", "reason"), [(pause, "cluster_paused"), (lose_engine, "cluster_unreachable")]
)
def test_a_blocked_cluster_starts_nothing_evicts_nobody_and_says_why(ending, reason, alice, cluster):
    low = submit(cluster, 8, LOW)
    cycle(cluster)
    look(cluster)
    waiting, high = submit(cluster, 0), submit(cluster, 4, HIGH)
    ending(alice, low)
    cycle(cluster)
    assert [now_is(one) for one in (waiting, high)] == [("pending", reason)] * 2
    assert now_is(low)[0] == "running"
    assert counts(cluster) == (0, 0, 2, 0)
    exits(low, 0)
    assert now_is(low)[0] == "completed"


def test_an_overcommitted_cluster_starts_nothing_and_evicts_nobody_for_it(cluster, full):
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=6000)
    high = submit(cluster, 1, HIGH)
    cycle(cluster)
    assert now_is(high) == ("pending", "cluster_overcommitted")
    assert {now_is(one)[0] for one in full} == {"running"}


def test_after_a_shrink_what_can_never_fit_is_held_and_lets_others_pass(alice, cluster):
    large, small = submit(cluster, 8, HIGH), submit(cluster, 2)
    change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 4000})
    cycle(cluster)
    assert now_is(large) == ("pending", "exceeds_cluster")
    assert now_is(small)[0] == "starting"


def test_a_dependency_opens_the_gate_when_it_completes_and_closes_it_when_it_runs_again(alice, cluster):
    first, second, third = submit(cluster, 1), submit(cluster, 1), submit(cluster, 8)
    for one in (second, third):
        one.dependency_rows.create(depends_on=first)
    cycle(cluster)
    assert now_is(second) == ("pending", "waiting_for_dependencies")
    assert counts(cluster) == (1, 0, 2, 2)
    look(cluster)
    exits(first, 0)
    cycle(cluster)
    assert now_is(second)[0] == "starting"
    assert now_is(third) == ("pending", "insufficient_capacity")
    requeue_deployment(actor=alice, deployment_id=first.pk)
    cycle(cluster)
    assert now_is(third) == ("pending", "waiting_for_dependencies")


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_dependent_of_what_failed_is_held_with_that_reason_and_can_be_cancelled(status, alice, cluster):
    first, second = in_state(cluster, status), submit(cluster, 1)
    second.dependency_rows.create(depends_on=first)
    cycle(cluster)
    assert now_is(second) == ("pending", "dependency_failed")
    cancel_deployment(actor=alice, deployment_id=second.pk)
    assert now_is(second) == ("cancelled", None)


def test_a_preempted_dependency_never_opened_the_gate(cluster):
    first, second = submit(cluster, 8, LOW), submit(cluster, 1, LOW)
    second.dependency_rows.create(depends_on=first)
    cycle(cluster)
    look(cluster)
    submit(cluster, 8, HIGH)
    cycle(cluster)
    look(cluster)
    assert now_is(first)[0] == "pending"
    cycle(cluster)
    assert now_is(second) == ("pending", "waiting_for_dependencies")


def test_a_retry_waits_for_its_time(cluster):
    one = submit(cluster, 1, retry_at=timezone.now() + timedelta(hours=1))
    cycle(cluster)
    assert now_is(one) == ("pending", "waiting_for_retry")
    Deployment.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    cycle(cluster)
    assert now_is(one)[0] == "starting"
