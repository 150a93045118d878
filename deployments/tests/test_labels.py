"""Which labels are not a user's to write."""

import pytest

from clusters.runtimes.base import LABEL_PREFIX
from deployments.labels import labels_no_kubernetes_takes, reserved_labels


@pytest.mark.parametrize(
    "name",
    [
        LABEL_PREFIX, f"{LABEL_PREFIX}.run", f"{LABEL_PREFIX}/run", LABEL_PREFIX.upper(), "com.docker.compose.project",
        "COM.Docker.x", "kubernetes.io/name", "app.kubernetes.io/name", "App.Kubernetes.IO/name", "k8s.io/x",
        "a.b.k8s.io/x",
    ],
)  # fmt: skip
def test_what_the_system_or_an_engine_reads_is_refused_by_name(name):
    assert list(reserved_labels({"team": "vision", name: "x"})) == [f"labels.{name}"]


@pytest.mark.parametrize(
    "name",
    ["team", "my-mlops-hypervisor", "com.example.docker", "org.com.docker.x", "mykubernetes.io/x", "kubernetes.io",
     "kubernetes.io.example.com/x", "example.com/kubernetes.io", "äöü with spaces"],
)  # fmt: skip
def test_everything_else_is_a_users(name):
    assert reserved_labels({name: "x"}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("team", ""), ("team", "vision"), ("a", "1"), ("A.b_c-d", "A.b_c-d"), ("x" * 63, "x" * 63),
        ("example.com/team", "x"), ("a" * 249 + ".org/" + "x" * 63, "x"),
    ],
)  # fmt: skip
def test_kubernetes_takes_labels_of_its_own_grammar(name, value):
    assert labels_no_kubernetes_takes({name: value}) == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("x" * 64, "x", "a label's name has at most 63"), ("a b", "x", "a label's name"), ("-a", "x", "a label's name"),
        ("a.", "x", "a label's name"), ("ä", "x", "a label's name"), ("a\n", "x", "a label's name"),
        ("job-name", "x", "own label"), ("example.com/", "x", "a label's name"), ("/a", "x", "before the /"),
        ("a/b/c", "x", "before the /"),
        ("Example.com/a", "x", "before the /"), ("a..b/c", "x", "before the /"),
        ("a" * 254 + "/c", "x", "before the /"),
        ("a", "x" * 64, "a label's value"), ("a", "two words", "a label's value"), ("a", "-", "a label's value"),
        ("a", "x\n", "a label's value"), ("a", "ü", "a label's value"),
    ],
)  # fmt: skip
def test_what_kubernetes_would_refuse_is_named_with_what_to_write(name, value, told):
    wrong = labels_no_kubernetes_takes({"good": "label", name: value})
    assert list(wrong) == [f"labels.{name[:100]}"]
    assert told in wrong[f"labels.{name[:100]}"]
