"""The double's control loops: they make pods of Jobs, count how they ended, and sweep up what was deleted."""

import copy
import uuid

from .kubernetes_refusing import Json
from .kubernetes_store import FOREGROUND, TRACKING, Store, stamp

_ENDED = {"Succeeded", "Failed"}
_WORDS = {
    "Complete": ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"),
    "Failed": ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
}


def turn(store: Store) -> None:
    """One turn of every loop."""
    _sweep_namespaces(store)
    for job in store.all("jobs"):
        _turn_job(store, job)
    _sweep_owned(store)


def pods_of(store: Store, job: Json) -> list[Json]:
    return [pod for pod in store.all("pods") if _owner(pod) == job["metadata"]["uid"]]


def conditions(thing: Json) -> dict[str, Json]:
    return {condition["type"]: condition for condition in thing["status"].get("conditions", [])}


def _owner(thing: Json) -> str:
    return thing["metadata"].get("ownerReferences", [{}])[0].get("uid", "")


def _turn_job(store: Store, job: Json) -> None:
    pods = pods_of(store, job)
    if "deletionTimestamp" in job["metadata"]:
        for pod in pods:
            _release(store, pod)
            if "deletionTimestamp" not in pod["metadata"]:
                store.delete_pod(pod)
        if not pods and FOREGROUND in job["metadata"].get("finalizers", []):
            store.drop("jobs", job)
        return
    finished = conditions(job).keys() & {"Complete", "Failed"}
    if job["spec"]["suspend"] or finished:
        for pod in pods if job["spec"]["suspend"] else []:
            _release(store, pod)
            store.delete_pod(pod)
        if job["spec"]["suspend"] and "Suspended" not in conditions(job):
            job["status"] = {"conditions": [_condition(store, "Suspended", "JobSuspended", "Job suspended")]}
            store.touch("jobs", job)
        return
    if "startTime" not in job["status"]:
        job["status"] = {"startTime": stamp(store.now()), "active": 0}
    counts = job["status"]
    for pod in pods:
        if pod["status"]["phase"] in _ENDED and TRACKING in pod["metadata"].get("finalizers", []):
            which = pod["status"]["phase"].lower()
            counts[which] = counts.get(which, 0) + 1
            _release(store, pod)
    over = "Complete" if counts.get("succeeded") else "Failed" if counts.get("failed") else ""
    alive = [pod for pod in pods if pod["status"]["phase"] not in _ENDED]
    if over:
        target, reason, message = _WORDS[over]
        both = [_condition(store, kind, reason, message) for kind in (target, over)]
        done = {"completionTime": stamp(store.now())} if over == "Complete" else {}
        which = "succeeded" if over == "Complete" else "failed"
        job["status"] = {
            "conditions": both,
            "startTime": counts["startTime"],
            **done,
            which: counts[which],
            "terminating": 0,
            "uncountedTerminatedPods": {},
            "ready": 0,
        }
        store.touch("jobs", job)
    elif not alive:
        _make_pod(store, job)
        job["status"] |= {"active": 1, "terminating": 0, "uncountedTerminatedPods": {}, "ready": 0}
        store.touch("jobs", job)


def _condition(store: Store, kind: str, reason: str, message: str) -> Json:
    now = stamp(store.now())
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": "True", **times, "reason": reason, "message": message}


def _make_pod(store: Store, job: Json) -> None:
    meta, template = job["metadata"], copy.deepcopy(job["spec"]["template"])
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    pod = {
        "metadata": {
            "name": f"{meta['name']}-{uuid.uuid4().hex[:5]}",
            "generateName": f"{meta['name']}-",
            "generation": 1,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
            "finalizers": [TRACKING],
        },
        "spec": template["spec"] | {"serviceAccountName": "default"},
        "status": {"phase": "Pending", "qosClass": "Guaranteed"},
    }
    store.put("pods", meta["namespace"], pod)


def _release(store: Store, pod: Json) -> None:
    if TRACKING in pod["metadata"].get("finalizers", []):
        pod["metadata"].pop("finalizers")
        store.touch("pods", pod)


def _sweep_owned(store: Store) -> None:
    jobs = {job["metadata"]["uid"] for job in store.all("jobs")}
    for pod in store.all("pods"):
        if _owner(pod) not in jobs:
            _release(store, pod)
            store.delete_pod(pod)
    for secret in store.all("secrets"):
        if _owner(secret) and _owner(secret) not in jobs:
            store.drop("secrets", secret)


def _sweep_namespaces(store: Store) -> None:
    for namespace in store.all("namespaces"):
        if namespace["status"]["phase"] != "Terminating":
            continue
        name = namespace["metadata"]["name"]
        for resource in ("jobs", "secrets", "networkpolicies"):
            for thing in store.all(resource, name):
                store.drop(resource, thing)
        if not store.all("pods", name) and not store.namespaces_linger:
            store.drop("namespaces", namespace)
