"""From Jobs and pods, as an API server lists them, to what all drivers tell. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from .base import Observed, Owner, Phase
from .kubernetes_causes import why_disrupted, why_ended, why_not_running
from .kubernetes_json import (
    Object,
    conditions_of,
    earlier,
    mapping_at,
    objects_at,
    text_at,
    time_at,
)
from .kubernetes_names import CONTAINER, RUN, TOLD_TO_RUN, Place, is_ours, place_in

_NO_AHEAD = timedelta(0)


def observed(
    jobs: Iterable[Object], pods: Iterable[Object], owner: Owner, ahead: timedelta = _NO_AHEAD
) -> tuple[Observed, ...]:
    """Each run of the owner's once. `ahead`: how far the cluster's clock is ahead of ours.

    The pods must have been listed before the Jobs: then a pod without a Job is one whose Job was deleted.
    """
    by_job: dict[str, list[Object]] = defaultdict(list)
    for pod in pods:
        by_job[_job_uid(pod) or text_at(pod, "metadata", "uid")].append(pod)
    found: dict[str, Observed] = {}
    for job in jobs:
        place = _place(job, owner)
        if place:
            found[place.run] = of_job(job, by_job.pop(text_at(job, "metadata", "uid"), []), place, ahead)
    for orphans in by_job.values():
        place, orphan = _place(orphans[0], owner), telling_pod(orphans)
        # It holds its capacity until it has ended, whatever became of its Job.
        if place and orphan and place.run not in found and not has_ended(orphan):
            started_at = earlier(_started_at(orphan), ahead)
            found[place.run] = Observed(place.run, place.handle, Phase.STOPPING, started_at)
    return tuple(found.values())


def of_job(job: Object, pods: list[Object], place: Place, ahead: timedelta = _NO_AHEAD) -> Observed:
    """One Job with its pods."""
    pod = telling_pod(pods)
    seen = _without_pod(job) if pod is None else _with_pod(job, pod)
    for name in ("started_at", "ended_at"):
        seen[name] = earlier(seen.get(name), ahead)
    return Observed(place.run, place.handle, **seen)


def is_finished(job: Object) -> bool:
    """Whether the Job says that it is over, so that no pod of it will start any more."""
    return any(kind in {"Complete", "Failed"} for kind, _ in conditions_of(job))


def is_unreleased(job: Object) -> bool:
    """Whether it was made and never told to run."""
    told = text_at(job, "metadata", "annotations", TOLD_TO_RUN)
    return mapping_at(job, "spec").get("suspend") is True and not told


def is_deleted(thing: Object) -> bool:
    """Whether it is on its way out."""
    return bool(text_at(thing, "metadata", "deletionTimestamp"))


def has_begun(pod: Object) -> bool:
    """Whether the container has been started, so that it may have written something."""
    return bool(_state(pod, "running") or _state(pod, "terminated"))


def has_ended(pod: Object) -> bool:
    """Whether nothing of the pod runs any more."""
    return bool(_state(pod, "terminated")) or text_at(pod, "status", "phase") in {"Succeeded", "Failed"}


def telling_pod(pods: list[Object]) -> Object | None:
    """The pod that stands for its Job: one that still lives before one that has ended, then the newest."""
    if not pods:
        return None
    return max(pods, key=lambda pod: (not has_ended(pod), text_at(pod, "metadata", "creationTimestamp")))


def _with_pod(job: Object, pod: Object) -> dict[str, Any]:
    if is_deleted(job):
        return {"phase": Phase.STOPPING, "started_at": _started_at(pod)}
    terminated = _state(pod, "terminated")
    if terminated:
        return _ended(pod, terminated)
    if has_ended(pod) and is_finished(job):
        return _ended(pod, {})
    if has_ended(pod) or is_deleted(pod):
        cause, detail = why_disrupted(pod) or (None, "")
        return {
            "phase": Phase.STOPPING,
            "started_at": _started_at(pod),
            "cause": cause,
            "detail": detail,
        }
    waiting = _state(pod, "waiting")
    if text_at(pod, "status", "phase") == "Running" and not waiting:
        return {"phase": Phase.RUNNING, "started_at": _started_at(pod)}
    cause, detail = why_not_running(pod, waiting)
    return {"phase": Phase.STARTING, "cause": cause, "detail": detail}


def _ended(pod: Object, terminated: Object) -> dict[str, Any]:
    exit_code = terminated.get("exitCode")
    cause, detail = why_ended(pod, terminated)
    if not terminated:
        detail = detail or "Its exit code is not known: its node lost it."
    return {
        "phase": Phase.ENDED,
        "started_at": time_at(terminated, "startedAt"),
        "ended_at": time_at(terminated, "finishedAt") or _last_change(pod),
        "exit_code": exit_code if isinstance(exit_code, int) else None,
        "cause": cause,
        "detail": detail,
    }


def _without_pod(job: Object) -> dict[str, Any]:
    if is_deleted(job):
        return {"phase": Phase.STOPPING}
    for kind, condition in conditions_of(job):
        ended_at = time_at(job, "status", "completionTime") or time_at(condition, "lastTransitionTime")
        if kind == "Complete":
            started_at = time_at(job, "status", "startTime")
            return {
                "phase": Phase.ENDED,
                "started_at": started_at,
                "ended_at": ended_at,
                "exit_code": 0,
            }
        if kind == "Failed":
            detail = "Its exit code is not known: its pod was deleted by somebody else."
            return {"phase": Phase.ENDED, "ended_at": ended_at, "detail": detail}
    if is_unreleased(job):
        return {"phase": Phase.CREATED}
    if mapping_at(job, "spec").get("suspend") is True:
        return {"phase": Phase.STARTING, "detail": "Somebody suspended its Job in the cluster."}
    if time_at(job, "status", "startTime") and not mapping_at(job, "status").get("active"):
        # Refused by a quota, a limit or an admission policy, of which a Job's status says nothing.
        detail = (
            "The cluster has not made its pod yet: if that lasts, a quota or a policy of it does not let it."
        )
        return {"phase": Phase.STARTING, "detail": detail}
    return {"phase": Phase.STARTING, "detail": "The cluster has not made its pod yet."}


def _last_change(pod: Object) -> datetime | None:
    times = [
        time_at(condition, "lastTransitionTime") for condition in objects_at(pod, "status", "conditions")
    ]
    return max((moment for moment in times if moment is not None), default=None)


def _started_at(pod: Object) -> datetime | None:
    return time_at(_state(pod, "running"), "startedAt") or time_at(_state(pod, "terminated"), "startedAt")


def _state(pod: Object, name: str) -> Object:
    """Our container's state of this name. Others may be in the pod: clusters put them there."""
    for status in objects_at(pod, "status", "containerStatuses"):
        if status.get("name") == CONTAINER:
            return mapping_at(status, "state", name)
    return {}


def _job_uid(pod: Object) -> str:
    for reference in objects_at(pod, "metadata", "ownerReferences"):
        if reference.get("kind") == "Job":
            return text_at(reference, "uid")
    return ""


def _place(thing: Object, owner: Owner) -> Place | None:
    labels = mapping_at(thing, "metadata", "labels")
    run, namespace = text_at(labels, RUN), text_at(thing, "metadata", "namespace")
    if not run or not namespace or not is_ours(labels, owner, run):
        return None
    return place_in(namespace, run, owner)
