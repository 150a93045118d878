"""What is sent to an API server for a run, and how its numbers are read."""

import base64
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.runtimes.base import Owner, RegistryLogin
from clusters.runtimes.kubernetes_manifest import job_manifest, secret_manifests
from clusters.runtimes.kubernetes_quantities import mebibytes, milli, parse_quantity

from .kubernetes_harness import new_spec
from .kubernetes_kubelet import _expand
from .kubernetes_refusing import unknown_fields

OWNER = Owner("0123456789abcdef", "fedcba9876543210")
LOGIN = RegistryLogin("registry.example.org", "robot", "a-secret-word")


def test_a_full_spec_becomes_this_job() -> None:
    spec = new_spec(
        name="run-1",
        organization=7,
        image="registry.example.org/team/model:1",
        cpu_milli=500,
        ram_mib=512,
        gpu_milli=2000,
        command=("train",),
        args=("--epochs", "3"),
        env={"A": "1", "B": "overridden"},
        secret_env={"B": "a-secret-word"},
        working_dir="/work",
        labels={"team": "vision"},
        ports=(8080,),
        pull="always",
        grace_seconds=45,
    )
    labels = {
        "team": "vision",
        "app.kubernetes.io/managed-by": "mlops-hypervisor",
        "mlops-hypervisor/installation": "0123456789abcdef",
        "mlops-hypervisor/cluster": "fedcba9876543210",
        "mlops-hypervisor/organization": "7",
        "mlops-hypervisor/run": "run-1",
    }
    amounts = {"cpu": "500m", "memory": "512Mi", "nvidia.com/gpu": "2"}
    assert job_manifest(spec, OWNER) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "hv-01234567-run-1",
            "namespace": "hv-01234567-org-7",
            "labels": labels,
            "annotations": {},
        },
        "spec": {
            "suspend": True,
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": 45,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "hostNetwork": False,
                    "hostPID": False,
                    "hostIPC": False,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "main",
                            "image": "registry.example.org/team/model:1",
                            "imagePullPolicy": "Always",
                            "command": ["train"],
                            "args": ["--epochs", "3"],
                            "env": [
                                {"name": "A", "value": "1"},
                                {
                                    "name": "B",
                                    "valueFrom": {"secretKeyRef": {"name": "hv-01234567-run-1", "key": "B"}},
                                },
                            ],
                            "workingDir": "/work",
                            "ports": [{"containerPort": 8080}],
                            "resources": {"requests": amounts, "limits": amounts},
                            "securityContext": {
                                "privileged": False,
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                },
            },
        },
    }
    assert unknown_fields("jobs", job_manifest(spec, OWNER)) == []


def test_without_secrets_a_job_is_told_to_run_at_once() -> None:
    job = job_manifest(new_spec(), OWNER)
    assert job["spec"]["suspend"] is False
    assert job["metadata"]["annotations"] == {"mlops-hypervisor/told-to-run": "true"}


def test_without_gpus_none_are_asked_for() -> None:
    container = job_manifest(new_spec(), OWNER)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"cpu": "100m", "memory": "16Mi"}


def test_a_grace_of_nothing_is_a_second() -> None:
    pod = job_manifest(new_spec(grace_seconds=0), OWNER)["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 1


@pytest.mark.parametrize(
    ("pull", "login", "expected"),
    [
        ("always", None, "Always"),
        ("if_not_present", None, "IfNotPresent"),
        ("never", None, "Never"),
        ("if_not_present", LOGIN, "Always"),
    ],
)
def test_an_image_is_pulled_as_asked_and_always_with_a_login(pull, login, expected: str) -> None:
    pod = job_manifest(new_spec(pull=pull, login=login), OWNER)["spec"]["template"]["spec"]
    assert pod["containers"][0]["imagePullPolicy"] == expected


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("registry.example.org", "registry.example.org"),
        ("docker.io", "https://index.docker.io/v1/"),
    ],
)
def test_secrets_belong_to_the_job_and_hold_what_the_kubelet_expects(server: str, key: str) -> None:
    login = RegistryLogin(server, "robot", "a-secret-word")
    spec = new_spec(name="run-1", secret_env={"A": "ä"}, login=login)
    environment, pull = secret_manifests(spec, OWNER, "the-uid")
    assert base64.b64decode(environment["data"]["A"]).decode() == "ä"
    for secret in (environment, pull):
        assert secret["metadata"]["ownerReferences"][0]["uid"] == "the-uid"
        assert unknown_fields("secrets", secret) == []
    names = job_manifest(spec, OWNER)["spec"]["template"]["spec"]["imagePullSecrets"]
    assert names == [{"name": pull["metadata"]["name"]}]
    config = json.loads(base64.b64decode(pull["data"][".dockerconfigjson"]))
    assert config["auths"][key]["auth"] == base64.b64encode(b"robot:a-secret-word").decode()


def test_nothing_secret_is_in_a_job() -> None:
    job = job_manifest(new_spec(secret_env={"A": "a-secret-word"}, login=LOGIN), OWNER)
    assert "a-secret-word" not in str(job)


@given(st.text("$()AB \n", max_size=20))
def test_any_text_survives_the_expansion_of_kubernetes(text: str) -> None:
    container = job_manifest(new_spec(command=(text or "x",)), OWNER)["spec"]["template"]["spec"][
        "containers"
    ][0]
    assert _expand(container["command"][0], {"A": "expanded"}) == (text or "x")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("32", 32),
        (32, 32),
        ("500m", Fraction(1, 2)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("-1", -1),
        ("100n", Fraction(1, 10**7)),
        ("250u", Fraction(1, 4000)),
        ("1k", 1000),
        ("1K", 1000),
        ("1M", 10**6),
        ("2G", 2 * 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 1024),
        ("1Mi", 2**20),
        ("128Gi", 128 * 2**30),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("12e-1", Fraction(6, 5)),
        ("129e+2", 12900),
    ],
)
def test_a_quantity_is_read_exactly(written: object, number: object) -> None:
    assert parse_quantity(written) == number


@pytest.mark.parametrize(
    "written", ["", "two", "1 Gi", "1GiB", "1mi", "ki", None, True, [], "1e", "1e999", "9" * 65]
)
def test_what_is_no_quantity_is_refused_and_counts_for_nothing(written: object) -> None:
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(written)
    assert (milli(written), mebibytes(written)) == (0, 0)


def test_amounts_are_rounded_down() -> None:
    assert (milli("3920500u"), mebibytes("16393244Ki"), mebibytes("-1")) == (3920, 16009, 0)
