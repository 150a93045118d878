"""A deployment's page in the console: why it waits, its dependencies, its story, and what may be done."""

import pytest
from django.urls import reverse

from deployments.models import Dependency, DeploymentEvent
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import last, run


@pytest.fixture
def opened(console):
    def read(deployment):
        answer = console.get(reverse("admin:deployments_deployment_change", args=[deployment.pk]))
        assert answer.status_code == 200
        return answer

    return read


def panel(answer, title):
    return next((one for one in answer.context["panels"] if one.title.startswith(title)), None)


def test_one_that_waits_tells_its_place_and_what_is_missing(opened, cluster):
    DeploymentFactory(cluster=cluster, gpu=8)
    second = DeploymentFactory(cluster=cluster, gpu=9, reason="exceeds_cluster")
    waits = panel(opened(second), "Waits:")
    assert waits.title == "Waits: number 2 in the queue of its cluster"
    told = [(reason, missing) for reason, missing in waits.rows]
    assert ("Asks for more than the whole cluster has", "1\N{NO-BREAK SPACE}GPU") in told


def test_one_that_runs_does_not_wait(opened, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    run(deployment)
    assert panel(opened(deployment), "Waits:") is None


def test_the_graph_has_what_is_near_and_says_when_there_is_more(opened, cluster):
    centre, *others = [DeploymentFactory(cluster=cluster) for _ in range(61)]
    assert panel(opened(centre), "Dependencies") is None
    for other in others[:30]:
        Dependency.objects.create(deployment=centre, depends_on=other)
    answer = opened(centre)
    assert panel(answer, "Dependencies").title == "Dependencies"
    assert answer.content.decode().count('<g class="console-node-pending') == 31
    for other in others[30:]:
        Dependency.objects.create(deployment=other, depends_on=centre)
    answer = opened(centre)
    assert panel(answer, "Dependencies").title == "Dependencies: the 40 nearest"
    assert answer.content.decode().count('<g class="console-node-pending') == 40
    assert f"{centre} waits for 30, and 9 wait for it" in answer.content.decode()


def test_the_story_is_sentences_with_the_preemptor_as_a_link(opened, cluster, bob):
    deployment, other = DeploymentFactory.create_batch(2, cluster=cluster)
    for kind, source, actor, data in (
        ("submitted", "user", bob, {"priority": 3}),
        ("preempted", "scheduler", None, {"preemptor_id": other.pk}),
        ("stop_requested", "user", bob, {"as_failed": True}),
        ("start_delayed", "engine", None, {"reason": "image_not_found"}),
        ("something_new", "engine", None, {}),
    ):
        DeploymentEvent.objects.create(
            deployment=deployment, organization=deployment.organization, kind=kind, source=source, actor=actor,
            data=data,
        )  # fmt: skip
    told = [str(what) for _, what, _ in panel(opened(deployment), "Its story").rows]
    there = reverse("admin:deployments_deployment_change", args=[other.pk])
    assert told == [
        "The engine: Something new.",
        "The engine could not run it yet: Its image was not found.",
        "bob told it to stop, to end as failed.",
        f'The scheduler told it to make room for <a class="console-link" href="{there}">#{other.pk}</a>.',
        "bob submitted it with priority HIGH.",
    ]


def test_one_that_runs_can_be_told_to_have_saved_its_work(console, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    run(deployment)
    console.post(reverse("admin:deployments_deployment_act", args=[deployment.pk, "checkpoint"]))
    assert last(deployment).checkpointed_at is not None
