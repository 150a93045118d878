"""The RBAC manifest in the docs gives the rights that the driver checks and uses, and no others."""

from pathlib import Path

import yaml

from clusters.runtimes.base import Phase
from clusters.runtimes.kubernetes_capacity import RIGHTS

from .kubernetes_harness import new_spec, wait

MANIFEST = Path(__file__).parents[2] / "docs" / "kubernetes-rbac.yaml"


def granted() -> set[tuple[str, str, str]]:
    documents = yaml.safe_load_all(MANIFEST.read_text())
    (role,) = (document for document in documents if document["kind"] == "ClusterRole")
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def checked() -> set[tuple[str, str, str]]:
    return {
        (group, f"{resource}/{subresource}" if subresource else resource, verb)
        for group, resource, subresource, verbs in RIGHTS
        for verb in verbs
    }


def test_what_is_granted_is_what_is_checked() -> None:
    assert granted() == checked()


def test_a_whole_life_of_a_run_needs_no_more(double, kubernetes) -> None:
    rights = {(verb, resource) for _, resource, verb in granted()}
    double.may = lambda verb, resource: (verb, resource) in rights
    kubernetes.check()
    spec = new_spec(secret_env={"A": "1"})
    handle = kubernetes.start(spec)
    assert kubernetes.start(spec) == handle
    wait(kubernetes, spec.name, Phase.RUNNING)
    kubernetes.changes().close()
    kubernetes.logs(handle, 1).close()
    kubernetes.stop(handle, 1)
    kubernetes.remove(handle)
