"""Why a pod does not run yet, or no longer, in our words: nothing of what a cluster writes reaches a user."""

import re

from .base import Cause
from .kubernetes_json import Object, conditions_of, objects_at, text_at

Reason = tuple[Cause | None, str]
NONE: Reason = (None, "")

_AGAIN = "The cluster keeps trying until the time for starting is over."
_DENIED = re.compile(r"denied|unauthorized|authorization failed|authentication required|forbidden|\b40[13]\b")
_ABSENT = re.compile(r"not found|manifest unknown|name unknown|\b404\b|does not exist")
_WAITING: dict[str, Reason] = {
    "InvalidImageName": (Cause.IMAGE_NOT_FOUND, "The image's name is not valid."),
    "ErrImageNeverPull": (
        Cause.IMAGE_NOT_FOUND,
        "The image is not on the node, and the deployment says never to pull it.",
    ),
    "CreateContainerConfigError": (Cause.START_REFUSED, "The container's settings could not be used."),
    "CreateContainerError": (Cause.START_REFUSED, "The container could not be made."),
    "RunContainerError": (Cause.START_REFUSED, "The container could not be started."),
    "CrashLoopBackOff": (Cause.START_REFUSED, "The container could not be started."),
}
_PULLING = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "RegistryUnavailable",
        "ImageInspectError",
        "SignatureValidationFailed",
    }
)
_LACKS = {"cpu": "CPU", "memory": "memory", "nvidia.com/gpu": "GPUs", "pods": "room for one more pod"}
_INSUFFICIENT = re.compile(r"Insufficient ([A-Za-z0-9][\w./-]*\w)")
_DISRUPTIONS = {
    "PreemptionByScheduler": "The cluster needed its place for a pod of higher priority.",
    "DeletionByTaintManager": "Its node was lost, or is to run nothing of its kind any more.",
    "DeletionByPodGC": "Its node is gone.",
    "EvictionByEvictionAPI": "Its node is being emptied.",
    "TerminationByKubelet": "Its node ran short of something, or was shut down.",
}
_NODE_SHORT = {"memory": "memory", "ephemeral-storage": "disk", "inodes": "disk", "pids": "process numbers"}


def why_not_running(pod: Object, waiting: Object) -> Reason:
    """Why a pod that is pending is so; nothing when it is simply on its way."""
    reason = text_at(waiting, "reason")
    if reason in _PULLING:
        return _why_no_image(text_at(waiting, "message").lower())
    if known := _WAITING.get(reason):
        return known[0], f"{known[1]} {_AGAIN}"
    for condition in objects_at(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _why_no_node(condition)
    return NONE


def why_ended(pod: Object, terminated: Object) -> Reason:
    """What ended a pod, if it was not its own program alone."""
    reason = text_at(terminated, "reason")
    if reason == "OOMKilled":
        return Cause.OUT_OF_MEMORY, "It used more memory than it had asked for, and was killed."
    if reason in {"StartError", "ContainerCannotRun"}:
        return Cause.START_REFUSED, "Its command could not be started: is it in the image?"
    if disruption := why_disrupted(pod):
        return disruption
    if reason == "ContainerStatusUnknown":
        return Cause.EVICTED, "Its node lost it."
    return NONE


def why_disrupted(pod: Object) -> Reason | None:
    """What the cluster did to a pod that it wanted away; None: nothing."""
    reason = text_at(pod, "status", "reason")
    if reason == "Evicted":
        return Cause.EVICTED, _why_evicted(text_at(pod, "status", "message").lower())
    for kind, condition in conditions_of(pod):
        if kind == "DisruptionTarget":
            why = _DISRUPTIONS.get(text_at(condition, "reason"), "The cluster wanted its place.")
            return Cause.EVICTED, f"Evicted. {why}"
    if reason.startswith("OutOf"):
        lack = _LACKS.get(reason.removeprefix("OutOf"), "one of the amounts that it asks for")
        return Cause.ENGINE_FULL, f"The node that it was given had not enough {lack}."
    if reason == "NodeLost":
        return Cause.EVICTED, "Its node was lost."
    if reason in {"NodeShutdown", "Shutdown", "Terminated"}:
        return Cause.EVICTED, "Its node was shut down."
    if reason in {"Preempting", "NodeAffinity", "UnexpectedAdmissionError", "AdmissionFailed"}:
        return Cause.EVICTED, "The node that it was given did not take it."
    return None


def _why_no_image(message: str) -> Reason:
    if _DENIED.search(message):
        why = "The registry did not let the image be pulled: it is not there, or needs another login."
        return Cause.IMAGE_PULL_DENIED, f"{why} {_AGAIN}"
    if _ABSENT.search(message):
        return Cause.IMAGE_NOT_FOUND, f"The registry does not know the image. {_AGAIN}"
    return Cause.IMAGE_PULL_FAILED, f"The image could not be pulled. {_AGAIN}"


def _why_no_node(condition: Object) -> Reason:
    if text_at(condition, "reason") == "SchedulingGated":
        return Cause.ENGINE_FULL, "Something in the cluster holds it back from being given a node."
    lacking = sorted({_LACKS.get(name, "something") for name in _found(text_at(condition, "message"))})
    if lacking:
        return Cause.ENGINE_FULL, f"No node of the cluster has enough {' and '.join(lacking)} free."
    return Cause.ENGINE_FULL, "No node of the cluster takes it now: none is ready, or each is set aside."


def _found(message: str) -> list[str]:
    return _INSUFFICIENT.findall(message)


def _why_evicted(message: str) -> str:
    for word, lack in _NODE_SHORT.items():
        if word in message:
            return f"Evicted. Its node ran short of {lack}."
    return "Evicted. Its node ran short of something."
