"""The driver of Kubernetes clusters: a run is a Job with one pod, in a namespace of its tenant's."""

from datetime import timedelta

from .base import ContainerSpec, EngineFacts, Observed, OneByOne, Owner, PullsByItself, Stream
from .http import EngineHTTP
from .kubernetes_api import KubernetesAPI
from .kubernetes_capacity import check
from .kubernetes_ending import Ending
from .kubernetes_json import mapping_at, text_at
from .kubernetes_names import CONTAINER, is_ours, place_at, selector_of
from .kubernetes_observed import has_begun, has_ended, is_finished, observed, telling_pod
from .kubernetes_starting import Starting
from .kubernetes_streams import Changes, Follow, no_logs, nothing_written, started_log, started_watch

_PODS, _JOBS = "/api/v1/pods", "/apis/batch/v1/jobs"
_MAX_LOG_BYTES = 16 * 1024 * 1024
_LOG_SECONDS = 60.0
_WATCH_SECONDS = 300
_STEADY = timedelta(seconds=2)


class KubernetesDriver(PullsByItself, OneByOne):
    """One cluster's API server behind the protocol of all drivers. It closes no connection: `http` is the caller's."""

    def __init__(self, http: EngineHTTP, owner: Owner) -> None:
        self._api = KubernetesAPI(http)
        self._owner = owner
        self._starting = Starting(self._api, owner)
        self._ending = Ending(self._api, owner)
        self._ahead = timedelta(0)

    def check(self) -> EngineFacts:
        """See `Driver.check`. A right that lacks is a failure that names it."""
        return check(self._api)

    def start(self, spec: ContainerSpec) -> str:
        """See `Driver.start`."""
        return self._starting.start(spec)

    def stop(self, handle: str, grace_seconds: int) -> None:
        """See `Driver.stop`. The Job is deleted: it is seen as stopping until its pod is gone, and then no more.

        The longest grace is that of the spec it was started with; the shortest is a second.
        """
        self._ending.stop(handle, grace_seconds)

    def observe(self) -> tuple[Observed, ...]:
        """See `Driver.observe`. Times have whole seconds."""
        selector = selector_of(self._owner)
        # The pods first: one whose Job is not in the later list has lost it, and is not merely newer.
        pods = self._api.all(_PODS, selector, "list pods in all namespaces")
        jobs = self._api.all(_JOBS, selector, "list jobs in all namespaces")
        if abs(self._api.ahead - self._ahead) > _STEADY:
            self._ahead = self._api.ahead
        return observed(jobs, pods, self._owner, self._ahead)

    def logs(self, handle: str, tail: int, *, follow: bool = False) -> Stream[bytes]:
        """See `Driver.logs`. At most 16 MiB, unless they are followed."""
        place = place_at(handle, self._owner)
        if place is None:
            raise no_logs()
        pod = telling_pod(
            self._api.all(place.pods_path, selector_of(self._owner, place.run), "list pods in all namespaces")
        )
        if pod is None:
            job = self._api.get(place.job_path, "get jobs")
            ours = job is not None and is_ours(mapping_at(job, "metadata", "labels"), self._owner, place.run)
            raise nothing_written() if job is not None and ours and not is_finished(job) else no_logs()
        if not has_begun(pod):
            raise nothing_written()
        path = f"{place.pods_path}/{text_at(pod, 'metadata', 'name')}/log"
        query = {"container": CONTAINER, "tailLines": max(0, tail)}
        if follow and not has_ended(pod):
            return Follow(lambda: self._api.stream(path, query | {"follow": "true"}))
        query |= {"limitBytes": _MAX_LOG_BYTES}
        return started_log(self._api.stream(path, query, total_seconds=_LOG_SECONDS))

    def remove(self, handle: str) -> None:
        """See `Driver.remove`. One that still runs is seen as stopping until its pod is gone."""
        self._ending.remove(handle)

    def changes(self) -> Changes:
        """See `Driver.changes`. It lasts five minutes."""
        selector = selector_of(self._owner)
        newest = self._api.page(_PODS, selector, "list pods in all namespaces", limit=1)
        query = {
            "watch": "1",
            "labelSelector": selector,
            "resourceVersion": text_at(newest.body, "metadata", "resourceVersion"),
            "timeoutSeconds": _WATCH_SECONDS,
        }
        return started_watch(self._api.stream(_PODS, query, total_seconds=_WATCH_SECONDS + _LOG_SECONDS))
