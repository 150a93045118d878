"""How a run is stopped and forgotten."""

from typing import Any

from .base import Owner, Phase
from .kubernetes_api import KubernetesAPI
from .kubernetes_json import Object, mapping_at, objects_at, text_at
from .kubernetes_names import Place, is_ours, place_at, selector_of
from .kubernetes_observed import has_ended, is_deleted, of_job
from .kubernetes_refusals import Refusal, failure_of_refusal, refusal_of

_TRIES = 3
_LEAST_SECONDS = 1
"""Never 0: a pod that is deleted by force gives its name and place away while its processes may still run."""


class Ending:
    """Ends runs of one owner. Every method raises `RuntimeFailure` and nothing else."""

    def __init__(self, api: KubernetesAPI, owner: Owner) -> None:
        self._api = api
        self._owner = owner

    def stop(self, handle: str, grace_seconds: int) -> None:
        """See `Driver.stop`."""
        self._end(handle, max(_LEAST_SECONDS, grace_seconds), also_ended=False)

    def remove(self, handle: str) -> None:
        """See `Driver.remove`."""
        self._end(handle, _LEAST_SECONDS, also_ended=True)

    def _end(self, handle: str, grace_seconds: int, *, also_ended: bool) -> None:
        place = place_at(handle, self._owner)
        if place is None:
            return
        for tries_left in reversed(range(_TRIES)):
            pods = self._api.all(
                place.pods_path, selector_of(self._owner, place.run), "list pods in all namespaces"
            )
            job = self._api.get(place.job_path, "get jobs")
            if job is not None and not is_ours(mapping_at(job, "metadata", "labels"), self._owner, place.run):
                return
            phase = of_job(job, _of(job, pods), place).phase if job is not None else Phase.STOPPING
            if phase is Phase.ENDED and not also_ended:
                return
            if job is None or is_deleted(job) or self._deleted(place, job, phase, unchanged=tries_left > 0):
                break
        if any(not has_ended(pod) and _grace_of(pod) > grace_seconds for pod in pods):
            self._hurry(place, grace_seconds)

    def _deleted(self, place: Place, job: Object, phase: Phase, *, unchanged: bool) -> bool:
        """Delete the Job; False: it changed since it was seen, which matters if it must be `unchanged`."""
        at_once = phase is Phase.ENDED or (phase is Phase.CREATED and unchanged)
        preconditions = {"uid": text_at(job, "metadata", "uid")}
        if unchanged:
            # An end of its own that comes just now must be seen, and not be deleted with the Job.
            preconditions["resourceVersion"] = text_at(job, "metadata", "resourceVersion")
        options: dict[str, Any] = {
            "propagationPolicy": "Background" if at_once else "Foreground",
            "preconditions": preconditions,
        }
        answer = self._api.delete(place.job_path, options)
        refusal = refusal_of(answer)
        if refusal is Refusal.CHANGED and unchanged:
            return False
        if refusal and refusal is not Refusal.ABSENT:
            raise failure_of_refusal(answer, "delete jobs")
        return True

    def _hurry(self, place: Place, grace_seconds: int) -> None:
        options = {"gracePeriodSeconds": grace_seconds}
        answer = self._api.delete(place.pods_path, options, selector_of(self._owner, place.run))
        refusal = refusal_of(answer)
        if refusal and refusal is not Refusal.ABSENT:
            raise failure_of_refusal(answer, "deletecollection pods")


def _of(job: Object, pods: list[Object]) -> list[Object]:
    uid = text_at(job, "metadata", "uid")
    return [
        pod
        for pod in pods
        if any(reference.get("uid") == uid for reference in objects_at(pod, "metadata", "ownerReferences"))
    ]


def _grace_of(pod: Object) -> int:
    """How long the pod will be waited for, in seconds, if nobody hurries it."""
    grace = mapping_at(pod, "metadata").get("deletionGracePeriodSeconds") if is_deleted(pod) else None
    if not isinstance(grace, int):
        grace = mapping_at(pod, "spec").get("terminationGracePeriodSeconds")
    return grace if isinstance(grace, int) else 30
