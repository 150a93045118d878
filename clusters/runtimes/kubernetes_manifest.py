"""From a container's spec to what is sent to the API server. Pure."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from .base import Cause, ContainerSpec, Owner, RuntimeFailure
from .kubernetes_labels import why_not_label
from .kubernetes_names import CLUSTER, CONTAINER, RUN, TOLD_TO_RUN, Place, labels_of, place_of
from .registry_hosts import DEFAULT_HOST, canonical

Manifest = dict[str, Any]

NETWORK_POLICY = "deny-ingress"
GPU = "nvidia.com/gpu"
_PULL_POLICIES = {"always": "Always", "if_not_present": "IfNotPresent", "never": "Never"}
_DEFAULT_KEY = f"https://index.{DEFAULT_HOST}/v1/"
"""Under which engines look for the login of the registry that needs no host."""


def needs_secrets(spec: ContainerSpec) -> bool:
    """Whether the Job must wait, suspended, for Secrets of its own."""
    return bool(spec.secret_env) or spec.login is not None


def namespace_manifest(name: str, owner: Owner, organization: int) -> Manifest:
    """A tenant's namespace. No pod in it may reach for the node that it runs on."""
    labels = labels_of(owner, organization) | {"pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def network_policy_manifest(owner: Owner, organization: int) -> Manifest:
    """No pod of the namespace may be called by another one, wherever that is."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": NETWORK_POLICY, "labels": labels_of(owner, organization)},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def job_manifest(spec: ContainerSpec, owner: Owner) -> Manifest:
    """The Job of a run, suspended if it needs Secrets first.

    Raises a permanent RuntimeFailure for what Kubernetes cannot run: a label or an amount that it does not know.
    """
    place = place_of(spec, owner)
    labels = _labels(spec, owner)
    suspended = needs_secrets(spec)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": place.job,
            "namespace": place.namespace,
            "labels": labels,
            "annotations": {} if suspended else {TOLD_TO_RUN: "true"},
        },
        "spec": {
            "suspend": suspended,
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # A pod on a lost node may still run: no second one may start before that one has ended for sure.
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"labels": labels}, "spec": _pod_spec(spec, place)},
        },
    }


def release_patch(job_uid: str) -> Manifest:
    """What tells a suspended Job to run: this one, and no later one of its name."""
    return {"metadata": {"uid": job_uid, "annotations": {TOLD_TO_RUN: "true"}}, "spec": {"suspend": False}}


def secret_manifests(spec: ContainerSpec, owner: Owner, job_uid: str) -> list[Manifest]:
    """The Secrets of a run. They belong to its Job: the cluster deletes them with it."""
    place = place_of(spec, owner)
    manifests = []
    if spec.secret_env:
        values = {name: _base64(value) for name, value in spec.secret_env.items()}
        manifests.append(_secret(place.job, "Opaque", values, spec, owner, job_uid))
    if spec.login is not None:
        pull = {".dockerconfigjson": _base64(_docker_config(spec))}
        kind = "kubernetes.io/dockerconfigjson"
        manifests.append(_secret(pull_secret_of(place), kind, pull, spec, owner, job_uid))
    return manifests


def pull_secret_of(place: Place) -> str:
    """The name of the Secret with the login of the image's registry."""
    return f"{place.job}-pull"


def _labels(spec: ContainerSpec, owner: Owner) -> dict[str, str]:
    for name, value in spec.labels.items():
        if reason := why_not_label(name, value):
            raise _refused(reason)
    ours = labels_of(owner, spec.organization) | {RUN: spec.name, CLUSTER: owner.cluster}
    return {**spec.labels, **ours}


def _pod_spec(spec: ContainerSpec, place: Place) -> Manifest:
    pod: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": max(1, spec.grace_seconds),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(spec, place)],
    }
    if spec.login is not None:
        pod["imagePullSecrets"] = [{"name": pull_secret_of(place)}]
    return pod


def _container(spec: ContainerSpec, place: Place) -> Manifest:
    amounts = _amounts(spec)
    container: Manifest = {
        "name": CONTAINER,
        "image": spec.image,
        "imagePullPolicy": "Always" if spec.login is not None else _PULL_POLICIES.get(spec.pull, "Always"),
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    optional = {
        "command": [_literal(word) for word in spec.command],
        "args": [_literal(word) for word in spec.args],
        "env": _environment(spec, place),
        "workingDir": spec.working_dir,
        "ports": [{"containerPort": port} for port in spec.ports],
    }
    return container | {name: value for name, value in optional.items() if value}


def _environment(spec: ContainerSpec, place: Place) -> list[Manifest]:
    plain = [
        {"name": name, "value": _literal(value)}
        for name, value in spec.env.items()
        if name not in spec.secret_env
    ]
    secret = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": place.job, "key": name}}}
        for name in spec.secret_env
    ]
    return plain + secret


def _amounts(spec: ContainerSpec) -> dict[str, str]:
    if spec.gpu_milli % 1000:
        raise _refused("Kubernetes gives whole GPUs alone. Ask for a whole number of them.")
    amounts = {}
    if spec.cpu_milli:
        amounts["cpu"] = f"{spec.cpu_milli}m"
    if spec.ram_mib:
        amounts["memory"] = f"{spec.ram_mib}Mi"
    if spec.gpu_milli:
        amounts[GPU] = str(spec.gpu_milli // 1000)
    return amounts


def _secret(
    name: str, kind: str, data: Mapping[str, str], spec: ContainerSpec, owner: Owner, job_uid: str
) -> Manifest:
    place = place_of(spec, owner)
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": place.job, "uid": job_uid}
    labels = labels_of(owner, spec.organization) | {RUN: spec.name, CLUSTER: owner.cluster}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": name, "labels": labels, "ownerReferences": [job]},
        "data": dict(data),
    }


def _docker_config(spec: ContainerSpec) -> str:
    login = spec.login
    assert login is not None  # noqa: S101 - asked for by who has seen it
    server = _DEFAULT_KEY if canonical(login.server) == DEFAULT_HOST else login.server
    auth = _base64(f"{login.username}:{login.password}")
    return json.dumps(
        {"auths": {server: {"username": login.username, "password": login.password, "auth": auth}}}
    )


def _literal(text: str) -> str:
    """So that Kubernetes, which replaces `$(NAME)` and halves `$$`, passes on what was written."""
    return text.replace("$", "$$")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _refused(reason: str) -> RuntimeFailure:
    return RuntimeFailure(reason, permanent=True, cause=Cause.START_REFUSED)
