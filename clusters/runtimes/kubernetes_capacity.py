"""What a Kubernetes cluster is, what it has, and which rights the driver needs there."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .base import EngineFacts
from .kubernetes_api import KubernetesAPI
from .kubernetes_json import Object, conditions_of, mapping_at, not_kubernetes, objects_at, text_at
from .kubernetes_manifest import GPU
from .kubernetes_quantities import mebibytes, milli
from .kubernetes_refusals import failure_of_refusal, no_right, refusal_of

RIGHTS = (
    ("", "nodes", "", ("list",)),
    ("", "namespaces", "", ("get", "create")),
    ("networking.k8s.io", "networkpolicies", "", ("create",)),
    ("batch", "jobs", "", ("get", "list", "create", "patch", "delete")),
    ("", "pods", "", ("list", "watch", "deletecollection")),
    ("", "pods", "log", ("get",)),
    ("", "secrets", "", ("create", "update", "delete")),
)
"""API group, resource, subresource and verbs: all that the driver ever does, as in docs/kubernetes-rbac.yaml."""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WORD = re.compile(r"[\w.+/ -]{1,64}", re.ASCII)
_GPU_PRODUCT = f"{GPU}.product"
_MAX_PRODUCTS = 20


def check(api: KubernetesAPI) -> EngineFacts:
    """See `Driver.check`. Raises RuntimeFailure naming each right that lacks."""
    answer = api.call("GET", "/version")
    if refusal_of(answer) and answer.status != 403:
        raise failure_of_refusal(answer, "read the version")
    version = _word(text_at(answer.body, "gitVersion"))
    if answer.status == 200 and not version:
        raise not_kubernetes()
    lacking = list(_lacking(api))
    if lacking:
        raise no_right(", to ".join(lacking))
    nodes = api.all("/api/v1/nodes", "", "list nodes")
    usable = [node for node in nodes if is_usable(node)]
    return EngineFacts(
        version=version or "unknown",
        capacity=capacity_of(usable),
        facts={
            "platform": _word(text_at(answer.body, "platform")),
            "nodes": len(nodes),
            "usable_nodes": len(usable),
            "gpu_products": _products(usable),
        },
    )


def capacity_of(nodes: Iterable[Object]) -> tuple[int, int, int]:
    """(milli-CPU, MiB, milli-GPU) that pods may use on these nodes together."""
    amounts = [mapping_at(node, "status", "allocatable") for node in nodes]
    return (
        sum(milli(amount.get("cpu")) for amount in amounts),
        sum(mebibytes(amount.get("memory")) for amount in amounts),
        sum(milli(amount.get(GPU)) for amount in amounts),
    )


def is_usable(node: Object) -> bool:
    """Whether the scheduler may give a pod of ours, which tolerates nothing, to the node."""
    if mapping_at(node, "spec").get("unschedulable") is True:
        return False
    if any(
        taint.get("effect") in {"NoSchedule", "NoExecute"} for taint in objects_at(node, "spec", "taints")
    ):
        return False
    return any(kind == "Ready" for kind, _ in conditions_of(node))


def _lacking(api: KubernetesAPI) -> Iterator[str]:
    for group, resource, subresource, verbs in RIGHTS:
        for verb in verbs:
            if not _may(api, group, resource, subresource, verb):
                yield f"{verb} {resource}{'/' if subresource else ''}{subresource}"


def _may(api: KubernetesAPI, group: str, resource: str, subresource: str, verb: str) -> bool:
    attributes: dict[str, Any] = {"group": group, "resource": resource, "verb": verb}
    if subresource:
        attributes["subresource"] = subresource
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.create(_REVIEWS, review)
    if refusal_of(answer):
        return True  # nobody may ask: then the work itself will tell
    allowed = mapping_at(answer.body, "status").get("allowed")
    if not isinstance(allowed, bool):
        raise not_kubernetes()
    return allowed


def _products(nodes: Iterable[Object]) -> list[str]:
    labels = (_word(text_at(node, "metadata", "labels", _GPU_PRODUCT)) for node in nodes)
    return sorted({label for label in labels if label})[:_MAX_PRODUCTS]


def _word(text: str) -> str:
    """A short plain word of the server's; "" for anything else."""
    return text if _WORD.fullmatch(text) else ""
