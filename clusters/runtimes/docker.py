"""The driver of Docker engines, 20.10 and newer: over a socket, verified TLS or ssh."""

import time
from collections.abc import Callable, Iterable

from .base import ContainerSpec, EngineFacts, Observed, OneByOne, Owner, Phase, RuntimeFailure, Stream
from .docker_api import DockerAPI, engine_now, filters, speaking, unexpected
from .docker_connection import validate_connection
from .docker_containers import Containers, no_container
from .docker_facts import engine_facts
from .docker_networks import sweep_networks
from .docker_observed import just_started, phase_of
from .docker_pull import TOTAL_SECONDS, needs_pull, pull
from .docker_spec import owner_labels
from .docker_start import start
from .docker_streams import EmptyStream, EventStream
from .http import EngineHTTP

__all__ = ["DockerDriver", "validate_connection"]

_INIT_SECONDS = 0.25
"""How soon an init process listens to signals. Before that a SIGTERM is lost."""
_EVENTS = ["create", "start", "die", "oom", "destroy"]


class DockerDriver(OneByOne):
    """One Docker engine behind the protocol of all drivers. It sees and touches what its `owner` made, and no more.

    Time-outs are those of `http`, with more for a start, a removal and a pull.
    """

    def __init__(self, http: EngineHTTP, owner: Owner) -> None:
        self._api, self._owner = DockerAPI(http), owner
        self._containers = Containers(self._api, owner)

    def check(self) -> EngineFacts:
        """See `Driver.check`. Of GPUs it tells only what newer engines know."""
        return engine_facts(self._api)

    def needs_pull(self, spec: ContainerSpec) -> bool:
        """See `Driver.needs_pull`. A permanent failure if it may never be pulled and is not there."""
        return needs_pull(self._api, spec)

    def pull(
        self, spec: ContainerSpec, progress: Callable[[str], None], total_seconds: float = TOTAL_SECONDS
    ) -> None:
        """See `Driver.pull`. It ends after `total_seconds` at the latest."""
        pull(self._api, spec, progress, total_seconds)

    def start(self, spec: ContainerSpec) -> str:
        """See `Driver.start`."""
        return start(self._containers, spec)

    def stop(self, handle: str, grace_seconds: int) -> None:
        """See `Driver.stop`. The engine keeps no grace: ask again, with 0, when it is over."""
        found = self._containers.inspect(handle)
        if found is None:
            return
        with speaking():
            phase = phase_of(found.body["State"]["Status"])
            young = phase is Phase.RUNNING and just_started(found.body, engine_now(found))
        if phase is Phase.CREATED:
            self.remove(handle)
        elif phase is Phase.RUNNING and grace_seconds <= 0:
            self._containers.signal(handle, "SIGKILL")
        elif phase is Phase.RUNNING:
            if young:
                time.sleep(_INIT_SECONDS)
            self._containers.signal(handle, "SIGTERM")

    def observe(self) -> tuple[Observed, ...]:
        """See `Driver.observe`. One more call for each container that is new or has changed its phase."""
        return self._containers.observe()

    def logs(self, handle: str, tail: int, *, follow: bool = False) -> Stream[bytes]:
        """See `Driver.logs`."""
        if self._containers.inspect(handle) is None:
            raise no_container()
        if tail <= 0 and not follow:
            return EmptyStream()
        return self._containers.log(handle, max(0, tail), follow=follow)

    def remove(self, handle: str) -> None:
        """See `Driver.remove`."""
        sweep_networks(self._api, self._owner, self._containers.remove(handle))

    def remove_many(self, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """See `Driver.remove_many`."""
        failures: dict[str, RuntimeFailure] = {}
        organizations: set[int] = set()
        for handle in handles:
            try:
                organizations |= self._containers.remove(handle)
            except RuntimeFailure as failure:
                failures[handle] = failure
        sweep_networks(self._api, self._owner, organizations)
        return failures

    def changes(self) -> Stream[None]:
        """See `Driver.changes`."""
        wanted = filters(type=["container"], event=_EVENTS, label=owner_labels(self._owner))
        stream = self._api.stream("GET", "/events", query=wanted)
        if stream.status != 200:
            stream.close()
            raise unexpected(stream)
        return EventStream(stream)
