"""What the test double of an API server does to single objects: fill in, merge and match."""

from typing import Any

from .kubernetes_refusing import Json


def matches(thing: Json, selector: str) -> bool:
    """Whether an object has the labels of a selector (`a=b,c=d`)."""
    labels = thing["metadata"].get("labels", {})
    return all(
        labels.get(name) == value
        for name, _, value in (part.partition("=") for part in selector.split(",") if part)
    )


def merge(into: Json, patch: Json) -> None:
    """A merge patch."""
    for name, value in patch.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, dict):
            merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


def default_job(job: Json) -> None:
    """What the API server fills in."""
    uid, name, spec = job["metadata"]["uid"], job["metadata"]["name"], job["spec"]
    job["metadata"]["generation"] = 1
    if not job["metadata"].get("annotations"):
        job["metadata"].pop("annotations", None)
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    spec["template"]["metadata"]["labels"] = labels | {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    defaults: dict[str, Any] = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
        "manualSelector": False,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    job["spec"] = defaults | spec
    pod = spec["template"]["spec"]
    for field, value in {
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }.items():
        pod.setdefault(field, value)
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        pod.pop(field, None)
    for container in pod["containers"]:
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", "IfNotPresent")
