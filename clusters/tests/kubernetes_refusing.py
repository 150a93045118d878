"""How the test double of an API server says no, as the recorded one did, and what it refuses."""

import re
from typing import Any

Json = dict[str, Any]

GROUPS = {
    "jobs": "batch",
    "networkpolicies": "networking.k8s.io",
    "selfsubjectaccessreviews": "authorization.k8s.io",
}
KINDS = {
    "jobs": "Job",
    "pods": "Pod",
    "secrets": "Secret",
    "namespaces": "Namespace",
    "nodes": "Node",
    "networkpolicies": "NetworkPolicy",
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
}
_LABELS = {"labels": True, "annotations": True}
_METADATA = {"name": True, "namespace": True, "uid": True, "ownerReferences": True, **_LABELS}
_HARDENING = {
    "privileged": True,
    "allowPrivilegeEscalation": True,
    "capabilities": {"drop": True, "add": True},
}
_KEY_REF = {"name": True, "key": True, "optional": True}
_CONTAINER = {
    "name": True,
    "image": True,
    "imagePullPolicy": True,
    "command": True,
    "args": True,
    "workingDir": True,
    "ports": [{"containerPort": True, "name": True, "protocol": True}],
    "env": [{"name": True, "value": True, "valueFrom": {"secretKeyRef": _KEY_REF}}],
    "resources": {"requests": True, "limits": True},
    "securityContext": _HARDENING,
}
_POD = {
    "restartPolicy": True,
    "terminationGracePeriodSeconds": True,
    "automountServiceAccountToken": True,
    "enableServiceLinks": True,
    "hostNetwork": True,
    "hostPID": True,
    "hostIPC": True,
    "securityContext": {"seccompProfile": {"type": True}},
    "imagePullSecrets": [{"name": True}],
    "containers": [_CONTAINER],
}
_JOB = {
    "suspend": True,
    "backoffLimit": True,
    "completions": True,
    "parallelism": True,
    "podReplacementPolicy": True,
    "activeDeadlineSeconds": True,
    "template": {"metadata": _METADATA, "spec": _POD},
}
_TOP = {"apiVersion": True, "kind": True, "metadata": _METADATA}
SCHEMAS: dict[str, Json] = {
    "jobs": _TOP | {"spec": _JOB},
    "secrets": _TOP | {"type": True, "data": True, "immutable": True},
    "namespaces": dict(_TOP),
    "networkpolicies": _TOP | {"spec": {"podSelector": True, "policyTypes": True}},
    "selfsubjectaccessreviews": _TOP | {"spec": {"resourceAttributes": True}},
}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_QUANTITY_RULE = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": details} if details else {}),
            "code": status,
        }


def qualified(resource: str) -> str:
    """`jobs.batch`, as messages call it."""
    return f"{resource}.{GROUPS[resource]}" if resource in GROUPS else resource


def details_of(resource: str, name: str = "", **more: Any) -> Json:
    """The `details` of a refusal."""
    group = {"group": GROUPS[resource]} if resource in GROUPS else {}
    return {**({"name": name} if name else {}), **group, "kind": resource, **more}


def absent(resource: str, name: str) -> Refused:
    message = f'{qualified(resource)} "{name}" not found'
    return Refused(404, "NotFound", message, details_of(resource, name))


def exists(resource: str, name: str) -> Refused:
    message = f'{qualified(resource)} "{name}" already exists'
    return Refused(409, "AlreadyExists", message, details_of(resource, name))


def changed(resource: str, name: str, what: str) -> Refused:
    message = f'Operation cannot be fulfilled on {qualified(resource)} "{name}": the {what} does not match'
    return Refused(409, "Conflict", message, details_of(resource, name))


def forbidden(resource: str, name: str, why: str, **more: Any) -> Refused:
    message = f'{qualified(resource)} "{name}" is forbidden: {why}'
    return Refused(403, "Forbidden", message, details_of(resource, name, **more))


def without_right(user: str, verb: str, resource: str, namespace: str) -> Refused:
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    what = f'resource "{resource}" in API group "{GROUPS.get(resource, "")}"{where}'
    message = f'{qualified(resource)} is forbidden: User "{user}" cannot {verb} {what}'
    return Refused(403, "Forbidden", message, details_of(resource))


def invalid(resource: str, name: str, field: str, why: str, reason: str = "FieldValueInvalid") -> Refused:
    kind = KINDS[resource] + (f".{GROUPS[resource]}" if resource in GROUPS else "")
    details = details_of(resource, name) | {"kind": KINDS[resource]}
    details["causes"] = [{"reason": reason, "message": why, "field": field}]
    return Refused(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {why}', details)


def expired() -> Refused:
    return Refused(410, "Expired", "The provided continue parameter is too old to display a consistent list.")


def look_at(resource: str, body: Json, *, strict: bool) -> None:
    """Raise what the API server says to an object that it does not take."""
    unknown = unknown_fields(resource, body)
    if strict and unknown:
        raise undecodable(resource, unknown)
    name = body.get("metadata", {}).get("name", "")
    if resource == "jobs":
        _look_at_quantities(body)
    if resource != "selfsubjectaccessreviews" and not _NAME.fullmatch(name):
        raise invalid(resource, name, "metadata.name", f'Invalid value: "{name}": {_NAME_RULE}')
    for label, value in body.get("metadata", {}).get("labels", {}).items():
        if not _LABEL_VALUE.fullmatch(value):
            raise invalid(resource, name, "metadata.labels", f'Invalid value: "{label}"')
    if resource == "jobs":
        for number, container in enumerate(body["spec"]["template"]["spec"]["containers"]):
            if not container.get("image"):
                field = f"spec.template.spec.containers[{number}].image"
                raise invalid(resource, name, field, "Required value", "FieldValueRequired")
    if resource == "secrets" and sum(map(len, body.get("data", {}).values())) * 3 // 4 > 2**20:
        raise invalid(resource, name, "data", "Too long: may not be more than 1048576 bytes")


def unknown_fields(resource: str, body: Json) -> list[str]:
    """The paths of those that the API does not have."""
    return _unknown(body, SCHEMAS[resource], "")


def undecodable(resource: str, unknown: list[str]) -> Refused:
    fields = ", ".join(f'unknown field "{name}"' for name in unknown)
    return _undecodable(KINDS[resource], f"strict decoding error: {fields}")


def _look_at_quantities(job: Json) -> None:
    for container in job["spec"]["template"]["spec"]["containers"]:
        for amounts in container.get("resources", {}).values():
            if not all(re.match(_QUANTITY_RULE, amount) for amount in amounts.values()):
                rule = f"quantities must match the regular expression '{_QUANTITY_RULE}'"
                raise _undecodable("Job", rule)


def _undecodable(kind: str, why: str) -> Refused:
    return Refused(400, "BadRequest", f'{kind} in version "v1" cannot be handled as a {kind}: {why}')


def _unknown(value: Any, schema: Any, path: str) -> list[str]:
    if isinstance(schema, list):
        return [
            name
            for number, item in enumerate(value)
            for name in _unknown(item, schema[0], f"{path}[{number}]")
        ]
    if not isinstance(schema, dict) or not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        inside = f"{path}.{name}" if path else name
        found += [inside] if name not in schema else _unknown(inner, schema[name], inside)
    return found
