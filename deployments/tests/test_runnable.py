"""What can never run on a cluster is refused: at submit, at change, at a move and when it is queued anew."""

import pytest

from accounts.errors import Conflict, InvalidInput
from clusters.models import Cluster
from clusters.runtimes.registry_hosts import DEFAULT_HOST
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from deployments.services.change import change_deployment
from deployments.services.steer import requeue_deployment
from deployments.services.submit import submit_deployment
from deployments.states import FINAL, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state

WANTS = {"name": "train", "docker_image": "train:1", "required_ram": 1024, "required_cpu": 1000}
REAL = ["docker", "kubernetes"]
WRONG_ON_REAL = [
    ("required_gpu", 500, "Fractions of a GPU exist only on simulated clusters"),
    ("required_gpu", 1001, "Ask for a whole number"),
    ("required_cpu", 9, "at least 0.01 cores"),
    ("required_cpu", 0, "no limit"),
    ("required_ram", 5, "at least 0.006 GB"),
    ("required_ram", 0, "no limit"),
    ("simulated_seconds", 60.0, "write null"),
    ("simulated_seconds", 0.0, "write null"),
]


@pytest.fixture(params=REAL)
def real(request, lab) -> Cluster:
    return ClusterFactory(organization=lab, name="real", runtime=request.param)


def submit(alice, cluster, **asked) -> Deployment:
    return submit_deployment(
        actor=alice, organization_id=cluster.organization_id, cluster=cluster, **WANTS | asked
    )


def refused(call) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        call()
    return refusal.value.fields


@pytest.mark.parametrize(("field", "value", "told"), WRONG_ON_REAL)
def test_a_real_engine_is_not_asked_for_what_it_cannot_give(field, value, told, alice, real):
    wrong = refused(lambda: submit(alice, real, **{field: value}))
    assert list(wrong) == [field]
    assert told in wrong[field]
    deployment = submit(alice, real)
    wrong = refused(lambda: change_deployment(actor=alice, deployment=deployment, changes={field: value}))
    assert told in wrong[field]


@pytest.mark.parametrize(("field", "value", "told"), WRONG_ON_REAL)
def test_a_move_to_a_real_engine_is_refused_where_a_submission_would_be(
    field, value, told, alice, cluster, real
):
    deployment = submit(alice, cluster, **{field: value})
    wrong = refused(lambda: change_deployment(actor=alice, deployment=deployment, changes={}, cluster=real))
    assert told in wrong[field]
    good = {field: {"required_gpu": 1000, "required_cpu": 10, "required_ram": 6}.get(field)}
    change_deployment(actor=alice, deployment=deployment, changes=good, cluster=real)
    assert Deployment.objects.get().cluster == real


def test_the_least_that_a_real_engine_gives_is_accepted(alice, real):
    assert submit(alice, real, required_cpu=10, required_ram=6, required_gpu=0).pk


def test_through_the_api_the_least_amounts_are_those_that_the_refusals_name(api, alice, real):
    body = {
        "name": "n",
        "docker_image": "a",
        "cluster_id": real.pk,
        "required_ram": 0.006,
        "required_cpu": 0.01,
    }
    assert api(alice).post("/deployments", body).status_code == 201
    answer = api(alice).post("/deployments", body | {"required_ram": 0.005, "required_cpu": 0.009})
    assert {error["field"] for error in answer.json()["errors"]} == {"required_ram", "required_cpu"}


def test_everything_that_is_wrong_is_named_at_once(alice, lab, settings):
    settings.ALLOWED_REGISTRIES = ("registry.example.com",)
    cluster = ClusterFactory(organization=lab, runtime="kubernetes")
    wrong = refused(
        lambda: submit(
            alice, cluster, required_gpu=500, required_cpu=0, simulated_seconds=1.0, registry_credential_id=1,
            labels={"a b": "x", "k8s.io/x": "x"},
        )
    )  # fmt: skip
    assert wrong.keys() == {
        "required_gpu", "required_cpu", "simulated_seconds", "registry_credential_id", "docker_image", "labels.a b",
        "labels.k8s.io/x",
    }  # fmt: skip
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_a_reserved_label_is_refused_by_name_over_http(verb, api, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice)
    body = {"labels": {"team": "vision", "app.kubernetes.io/name": "x"}}
    for answer in (
        getattr(api(alice), verb)(f"/deployments/{deployment.pk}", body),
        api(alice).post(
            "/deployments",
            {"name": "n", "docker_image": "a", "cluster_id": cluster.pk, "required_ram": 1, "required_cpu": 1}
            | body,
        ),
    ):
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["labels.app.kubernetes.io/name"]


def test_only_kubernetes_wants_labels_of_its_grammar(alice, lab):
    labels = {"two words": "and a long value " * 10}
    docker = ClusterFactory(organization=lab, runtime="docker")
    kubernetes = ClusterFactory(organization=lab, runtime="kubernetes")
    deployment = submit(alice, docker, labels=labels)
    assert refused(lambda: submit(alice, kubernetes, labels=labels)).keys() == {"labels.two words"}
    moved = refused(
        lambda: change_deployment(actor=alice, deployment=deployment, changes={}, cluster=kubernetes)
    )
    assert moved.keys() == {"labels.two words"}


def test_images_of_other_registries_are_refused_naming_the_allowed_ones(alice, cluster, settings):
    settings.ALLOWED_REGISTRIES = ("registry.example.com:5000",)
    deployment = submit(alice, cluster, docker_image="registry.example.com:5000/a")
    for image in ("ubuntu", "registry.example.com/a", "evil.example.com/a"):
        for call in (
            lambda image=image: submit(alice, cluster, docker_image=image),
            lambda image=image: change_deployment(
                actor=alice, deployment=deployment, changes={"docker_image": image}
            ),
        ):
            assert "only from registry.example.com:5000 here" in refused(call)["docker_image"]
    settings.ALLOWED_REGISTRIES = (DEFAULT_HOST,)
    assert submit(alice, cluster, docker_image="ubuntu").pk


@pytest.mark.parametrize("status", sorted(FINAL))
def test_queueing_anew_is_refused_for_an_image_that_is_not_allowed_any_more(
    status, api, alice, cluster, settings
):
    deployment = in_state(cluster, Status(status), docker_image="old.example.com/a", created_by=alice)
    settings.ALLOWED_REGISTRIES = ("registry.example.com",)
    answer = api(alice).post(f"/deployments/{deployment.pk}/start")
    assert answer.status_code == 409
    assert answer.json()["state"] == status
    assert "docker_image: Images come only from registry.example.com" in answer.json()["detail"]
    settings.ALLOWED_REGISTRIES = ()
    requeue_deployment(actor=alice, deployment_id=deployment.pk)


def test_queueing_anew_is_refused_for_labels_that_came_before_their_rule(alice, cluster):
    deployment = in_state(cluster, Status.FAILED, labels={"com.docker.x": "y"})
    with pytest.raises(Conflict, match=r"labels\.com\.docker\.x"):
        requeue_deployment(actor=alice, deployment_id=deployment.pk)


def test_a_rule_that_came_later_does_not_hinder_another_change(alice, cluster, settings):
    deployment = DeploymentFactory(
        cluster=cluster, docker_image="old.example.com/a", labels={"k8s.io/x": "y"}
    )
    settings.ALLOWED_REGISTRIES = ("registry.example.com",)
    changes = {"name": "new", "priority": 3, "required_cpu": 2000, "env": {"A": "b"}}
    assert change_deployment(actor=alice, deployment=deployment, changes=changes).required_cpu == 2000


@pytest.mark.parametrize(
    ("asked", "retries"),
    [
        ({}, 0),
        ({"restart_policy": "never"}, 0),
        ({"restart_policy": "always"}, 0),
        ({"restart_policy": "on_failure"}, 3),
        ({"restart_policy": "on_failure", "max_retries": 0}, 0),
        ({"restart_policy": "on_failure", "max_retries": 7}, 7),
    ],
)
def test_on_failure_is_tried_three_times_more_unless_it_says_how_often(asked, retries, alice, cluster):
    assert submit(alice, cluster, **asked).max_retries == retries


def test_a_change_leaves_the_retries_that_it_does_not_name(alice, cluster):
    deployment = submit(alice, cluster)
    changed = change_deployment(actor=alice, deployment=deployment, changes={"restart_policy": "on_failure"})
    assert changed.max_retries == 0
