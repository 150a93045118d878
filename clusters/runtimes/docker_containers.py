"""The containers of one owner on a Docker engine: those of anybody else are as if they were not there."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from .base import Observed, Owner, Phase, RuntimeFailure
from .docker_api import DockerAPI, filters, listed, message_of, skew_of, speaking, unexpected
from .docker_observed import Details, Memory, details_of, phase_of
from .docker_refusals import init_failure
from .docker_spec import CLUSTER, INSTALLATION, ORGANIZATION, RUN, container_name, name_prefix, owner_labels
from .docker_streams import LogStream
from .http import Answer

_REMOVAL_SECONDS = 30.0  # the engine kills first, and answers when all is gone
_LOG_IDLE_SECONDS = 10.0
_INIT_EXIT_CODES = frozenset({1, 126, 127})
_BRIEF = timedelta(seconds=2)
_LAST_WORDS_BYTES = 4096
_memory = Memory()


class Containers:
    """Reads, signals and removes them. Everything raises RuntimeFailure and nothing else."""

    def __init__(self, api: DockerAPI, owner: Owner) -> None:
        self.api, self.owner = api, owner

    def observe(self) -> tuple[Observed, ...]:
        """All of them, in one call and one more for each that is new or has changed its phase."""
        query = {"all": "true", **filters(label=owner_labels(self.owner))}
        answer = self.api.call("GET", "/containers/json", query=query)
        with speaking():
            found = [
                (str(item["Id"]), str(item["Labels"][RUN]), phase_of(item["State"]))
                for item in listed(answer)
                # Whoever copies our labels to a container of theirs has not made it ours.
                if f"/{container_name(self.owner, item['Labels'].get(RUN, ''))}" in item["Names"]
            ]
        seen = [(name, self._details(identity, phase)) for identity, name, phase in found]
        return tuple(
            details.observed(name, container_name(self.owner, name)) for name, details in seen if details
        )

    def inspect(self, handle: str) -> Answer | None:
        """What the engine tells of a container; None if there is none, or it is not ours."""
        found = self.look(handle) if handle.startswith(name_prefix(self.owner)) else None
        return found if found is not None and self.is_ours(found, handle) else None

    def look(self, handle: str) -> Answer | None:
        """What the engine tells of a container, whoever made it; None if there is none."""
        answer = self.api.call("GET", f"{path_of(handle)}/json")
        if answer.status not in (200, 404):
            raise unexpected(answer)
        return answer if answer.status == 200 else None

    def is_ours(self, found: Answer, handle: str) -> bool:
        """Whether its labels say that this owner made it, under this very name."""
        with speaking():
            labels: dict[str, Any] = found.body["Config"]["Labels"] or {}
            said = (
                labels.get(CLUSTER),
                labels.get(INSTALLATION),
                container_name(self.owner, labels.get(RUN, "")),
            )
            return said == (self.owner.cluster, self.owner.installation, handle)

    def signal(self, handle: str, signal: str) -> None:
        """Send it; a container that does not run is fine."""
        # Not /stop: some engines kill at once when whoever asked them to stop goes away.
        answer = self.api.call("POST", f"{path_of(handle)}/kill", query={"signal": signal})
        if answer.status not in (204, 404, 409):
            raise unexpected(answer)

    def remove(self, handle: str) -> set[int]:
        """Kill and remove it; answers the organizations that may have lost their last one."""
        found = self.inspect(handle)
        if found is None:
            return set()
        with speaking():
            organization = int(found.body["Config"]["Labels"][ORGANIZATION])
        answer = self.api.call(
            "DELETE", path_of(handle), query={"force": "true", "v": "true"}, seconds=_REMOVAL_SECONDS
        )
        under_way = answer.status == 409 and "already in progress" in message_of(answer)
        if answer.status not in (204, 404) and not under_way:
            raise unexpected(answer)
        return {organization}

    def forget_unstarted(self, handle: str) -> None:
        """Remove what never ran. Without force: if it does run after all, it stays."""
        self.api.call("DELETE", path_of(handle), query={"v": "true"})

    def log(self, handle: str, tail: int, *, follow: bool) -> LogStream:
        """What it wrote. The handle must be one that `inspect` knows."""
        stream = self.api.stream(
            "GET",
            f"{path_of(handle)}/logs",
            query={"stdout": 1, "stderr": 1, "tail": tail, "follow": int(follow)},
            idle_seconds=None if follow else _LOG_IDLE_SECONDS,
        )
        if stream.status != 200:
            stream.close()
            raise no_container() if stream.status == 404 else unexpected(stream)
        return LogStream(stream)

    def _details(self, identity: str, phase: Phase) -> Details | None:
        """What only an inspect tells, asked once for each phase; None for a container that is gone by now."""
        if phase is Phase.CREATED:
            return Details(phase)
        known = _memory.get(self.owner.cluster, identity, phase)
        if known is not None:
            return known
        answer = self.api.call("GET", f"{path_of(identity)}/json")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise unexpected(answer)
        with speaking():
            details = details_of(answer.body, skew_of(answer))
        if details.cause is None and details.exit_code in _INIT_EXIT_CODES and _was_brief(details):
            details = self._with_last_words(identity, details)
        _memory.put(self.owner.cluster, identity, details)
        return details

    def _with_last_words(self, identity: str, details: Details) -> Details:
        """The init process starts whatever it is told to: only its log says that there was nothing to start."""
        try:
            words = b"".join(_first(self.log(identity, 1, follow=False)))
        except RuntimeFailure:
            return details
        failure = init_failure(words.decode(errors="replace"))
        return replace(details, cause=failure.cause, detail=str(failure)) if failure else details


def path_of(handle: str) -> str:
    """The container's place in the API."""
    return f"/containers/{quote(handle, safe='')}"


def no_container() -> RuntimeFailure:
    """An unknown handle."""
    return RuntimeFailure("The engine knows no such container.", permanent=True)


def _was_brief(details: Details) -> bool:
    began, ended = details.started_at, details.ended_at
    return isinstance(began, datetime) and isinstance(ended, datetime) and ended - began <= _BRIEF


def _first(stream: LogStream) -> list[bytes]:
    pieces: list[bytes] = []
    for piece in stream:
        pieces.append(piece)
        if sum(map(len, pieces)) >= _LAST_WORDS_BYTES:
            stream.close()
    return pieces
