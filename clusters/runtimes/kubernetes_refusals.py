"""What an API server's refusals mean, in our words."""

import re
from enum import StrEnum

from .base import Cause, RuntimeFailure
from .http import Answer
from .kubernetes_json import not_kubernetes, objects_at, text_at

RBAC_MANIFEST = "docs/kubernetes-rbac.yaml"

_NO_RIGHT = re.compile(r" cannot \S+ resource ")
_FIELDS = {
    "image": "the image's name",
    "env": "the environment",
    "resources": "the amounts",
    "ports": "the ports",
    "labels": "the labels",
    "workingDir": "the working directory",
    "command": "the command",
    "args": "the arguments",
    "data": "the secrets, which may be 1 MiB together",
}


class Refusal(StrEnum):
    """What a refusal says about the way on."""

    EXISTS = "exists"
    CHANGED = "changed"
    ABSENT = "absent"
    TERMINATING = "terminating"
    QUOTA = "quota"
    INVALID = "invalid"
    OTHER = "other"


def refusal_of(answer: Answer) -> Refusal | None:
    """What kind of refusal an answer is; None: it is none. Raises RuntimeFailure for what no API server says."""
    if 200 <= answer.status < 300:
        return None
    if text_at(answer.body, "kind") != "Status":
        # A proxy or a balancer in front of the server speaks for itself when the server is away.
        raise _in_trouble() if answer.status in {429, 502, 503, 504} else not_kubernetes()
    reason, message = text_at(answer.body, "reason"), text_at(answer.body, "message")
    if answer.status == 409:
        return Refusal.EXISTS if reason == "AlreadyExists" else Refusal.CHANGED
    if answer.status in {404, 410}:
        return Refusal.ABSENT
    if answer.status in {400, 413, 415, 422}:
        return Refusal.INVALID
    if answer.status == 403:
        causes = objects_at(answer.body, "details", "causes")
        if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
            return Refusal.TERMINATING
        if "exceeded quota" in message:
            return Refusal.QUOTA
    return Refusal.OTHER


def failure_of_refusal(answer: Answer, right: str) -> RuntimeFailure:
    """The failure that a refusal ends in. `right` says what was tried, such as "create jobs"."""
    match refusal_of(answer):
        case Refusal.QUOTA:
            return RuntimeFailure(
                "A quota of the namespace in Kubernetes leaves no room for it.",
                permanent=False,
                cause=Cause.ENGINE_FULL,
            )
        case Refusal.TERMINATING:
            return RuntimeFailure(
                "The namespace is being deleted in Kubernetes. It is made anew when it is gone.",
                permanent=False,
            )
        case Refusal.INVALID:
            return RuntimeFailure(_invalid(answer), permanent=True, cause=Cause.START_REFUSED)
        case Refusal.CHANGED:
            return RuntimeFailure("Somebody else changed it in Kubernetes meanwhile.", permanent=False)
        case Refusal.ABSENT | Refusal.EXISTS | None:
            return not_kubernetes()
        case Refusal.OTHER:
            return _other(answer, right)


def no_right(right: str) -> RuntimeFailure:
    """The failure for a right that the connection's identity lacks."""
    return RuntimeFailure(
        f"The connection's identity has no right to {right}, see the RBAC manifest in {RBAC_MANIFEST}.",
        permanent=False,
    )


def _other(answer: Answer, right: str) -> RuntimeFailure:
    if answer.status == 401:
        return RuntimeFailure("The token is not valid or has expired.", permanent=False)
    if answer.status == 403 and _NO_RIGHT.search(text_at(answer.body, "message")):
        return no_right(right)
    if answer.status == 403:
        return RuntimeFailure(
            "A policy of the cluster refused it.", permanent=True, cause=Cause.START_REFUSED
        )
    if answer.status == 429 or answer.status >= 500:
        return _in_trouble()
    return not_kubernetes()


def _in_trouble() -> RuntimeFailure:
    return RuntimeFailure("The Kubernetes API server is overloaded or in trouble.", permanent=False)


def _invalid(answer: Answer) -> str:
    fields = {text_at(cause, "field") for cause in objects_at(answer.body, "details", "causes")}
    words = {part for field in fields for part in re.split(r"[.\[\]]+", field)}
    named = sorted(ours for theirs, ours in _FIELDS.items() if theirs in words)
    if named:
        return f"Kubernetes refused {' and '.join(named)}."
    return "Kubernetes refused it as not valid. It must be version 1.29 or newer."
