"""The state table: every pair, what each state lets a user do, and that nothing writes any other move."""

from itertools import product

import pytest
from django.db import DatabaseError, transaction

from accounts.errors import Conflict
from deployments.models import Deployment
from deployments.services.change import change_deployment
from deployments.services.steer import (
    cancel_deployment,
    delete_deployment,
    requeue_deployment,
    stop_deployment,
)
from deployments.states import FINAL, HOLDS_CAPACITY, Status, allowed_actions, may_move
from deployments.tests.lives import in_state

LEGAL = {
    "pending": "starting cancelled",
    "starting": "running stopping completed failed pending",
    "running": "stopping completed failed pending",
    "stopping": "completed failed pending",
    "completed": "pending",
    "failed": "pending",
    "cancelled": "pending",
}
PAIRS = list(product(Status, Status))
MAY = {
    "pending": "cancel, change name or priority, change requirements, delete, start",
    "starting": "change name or priority, report a checkpoint, stop",
    "running": "change name or priority, report a checkpoint, stop",
    "stopping": "change name or priority, report a checkpoint",
    "completed": "delete, start",
    "failed": "delete, start",
    "cancelled": "delete, start",
}
VERBS = {
    "stop": lambda user, it: stop_deployment(actor=user, deployment_id=it.pk),
    "cancel": lambda user, it: cancel_deployment(actor=user, deployment_id=it.pk),
    "queue anew": lambda user, it: requeue_deployment(actor=user, deployment_id=it.pk),
    "delete": lambda user, it: delete_deployment(actor=user, deployment_id=it.pk),
    "rename": lambda user, it: change_deployment(actor=user, deployment=it, changes={"name": "new"}),
    "resize": lambda user, it: change_deployment(actor=user, deployment=it, changes={"required_gpu": 2000}),
}
BECOMES = {
    "stop": dict.fromkeys(("starting", "running"), "stopping"),
    "cancel": {"pending": "cancelled"},
    "queue anew": dict.fromkeys(FINAL, "pending"),
    "delete": {"pending": "cancelled"} | {status: status for status in FINAL},
    "rename": {status: status for status in Status if status not in FINAL},
    "resize": {"pending": "pending"},
}


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda status: str(status))
def test_every_pair_is_legal_or_not_as_the_table_says(old, new):
    assert may_move(old, new) is (new in LEGAL[old].split())


def test_what_ends_never_holds_capacity_and_what_holds_capacity_may_always_end():
    assert not FINAL & HOLDS_CAPACITY
    assert all(may_move(status, Status.FAILED) for status in HOLDS_CAPACITY)


@pytest.mark.parametrize("status", Status)
def test_each_state_names_what_a_user_may_do(status):
    assert ", ".join(allowed_actions(status)) == MAY[status]


def test_what_stops_for_a_preemption_may_be_stopped_by_its_user():
    assert "stop" in allowed_actions(Status.STOPPING, stopping_for_preemption=True)


def test_the_database_of_these_tests_refuses_each_illegal_move(cluster, only_legal_moves):
    refused = []
    for old, new in PAIRS:
        deployment = in_state(cluster, old, gpu=0, cpu=0, ram=0)
        try:
            with transaction.atomic():
                Deployment.objects.filter(pk=deployment.pk).update(status=new)
        except DatabaseError:
            refused.append((old, new))
    assert refused == [(old, new) for old, new in PAIRS if old != new and not may_move(old, new)]


@pytest.mark.parametrize(("verb", "status"), list(product(VERBS, Status)))
def test_each_verb_works_in_its_states_and_is_a_conflict_in_all_others(
    verb, status, alice, cluster, only_legal_moves
):
    deployment = in_state(cluster, status)
    if status in BECOMES[verb]:
        VERBS[verb](alice, deployment)
        deployment.refresh_from_db()
        assert deployment.status == BECOMES[verb][status]
        return
    with pytest.raises(Conflict) as refused:
        VERBS[verb](alice, deployment)
    deployment.refresh_from_db()
    assert deployment.status == status
    assert refused.value.state == status
    assert refused.value.allowed == MAY[status].split(", ")
    assert str(status) in refused.value.detail
