"""The namespaces of the tenants, made when somebody first runs something."""

import time

from .base import Cause, Owner, RuntimeFailure
from .kubernetes_api import KubernetesAPI, object_in
from .kubernetes_json import Object, mapping_at, text_at
from .kubernetes_manifest import namespace_manifest, network_policy_manifest
from .kubernetes_names import INSTALLATION, ORGANIZATION, namespace_of
from .kubernetes_refusals import Refusal, failure_of_refusal, refusal_of

_REMEMBERED_SECONDS = 600
_PATH = "/api/v1/namespaces"
_ensured: dict[tuple[Owner, str], float] = {}
"""When each was last seen to be as it must be, in this process: a driver lives for one task alone."""


class Namespaces:
    """Those of one owner. Every method raises `RuntimeFailure` and nothing else."""

    def __init__(self, api: KubernetesAPI, owner: Owner) -> None:
        self._api = api
        self._owner = owner

    def ensure(self, organization: int) -> None:
        """Make the tenant's namespace with its policy, unless it was seen not long ago.

        One of that name which is not ours is a permanent failure: it is never adopted.
        """
        key = (self._owner, namespace_of(self._owner, organization))
        seen_at = _ensured.get(key)
        if seen_at is not None and time.monotonic() - seen_at < _REMEMBERED_SECONDS:
            return
        self._make(key[1], organization)
        _ensured[key] = time.monotonic()

    def forget(self, organization: int) -> None:
        """Look again before the next start: it may be gone."""
        _ensured.pop((self._owner, namespace_of(self._owner, organization)), None)

    def _make(self, name: str, organization: int) -> None:
        found = self._api.get(f"{_PATH}/{name}", "get namespaces")
        if found is None:
            answer = self._api.create(_PATH, namespace_manifest(name, self._owner, organization))
            refusal = refusal_of(answer)
            if refusal is None:
                found = object_in(answer)
            elif refusal is Refusal.EXISTS:
                found = self._api.get(f"{_PATH}/{name}", "get namespaces")
            else:
                raise failure_of_refusal(answer, "create namespaces")
        if found is None:
            raise _going()
        self._look_at(found, organization)
        self._close_off(name, organization)

    def _look_at(self, namespace: Object, organization: int) -> None:
        labels = mapping_at(namespace, "metadata", "labels")
        expected = {INSTALLATION: self._owner.installation, ORGANIZATION: str(organization)}
        if any(labels.get(label) != value for label, value in expected.items()):
            raise RuntimeFailure(
                "The cluster has a namespace with the name of this tenant's that is not ours. "
                "Its administrator must rename or delete it.",
                permanent=True,
                cause=Cause.START_REFUSED,
            )
        if text_at(namespace, "status", "phase") == "Terminating":
            raise _going()

    def _close_off(self, name: str, organization: int) -> None:
        path = f"/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies"
        answer = self._api.create(path, network_policy_manifest(self._owner, organization))
        refusal = refusal_of(answer)
        if refusal is Refusal.ABSENT:
            raise _going()
        if refusal and refusal is not Refusal.EXISTS:
            raise failure_of_refusal(answer, "create networkpolicies")


def _going() -> RuntimeFailure:
    return RuntimeFailure(
        "The namespace is being deleted in Kubernetes. It is made anew when it is gone.", permanent=False
    )
