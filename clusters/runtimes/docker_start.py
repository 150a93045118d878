"""Starting a container exactly once, whatever dies in between."""

import re
import time
from datetime import timedelta

from .base import Cause, ContainerSpec, Phase, RuntimeFailure
from .docker_api import engine_now, message_of, speaking
from .docker_containers import Containers, path_of
from .docker_networks import network_of, sweep_networks
from .docker_observed import moment_of, phase_of
from .docker_refusals import start_failure
from .docker_spec import container_name, create_body
from .http import Answer

LEFT_ALONE = timedelta(seconds=10)
"""A container that was made so lately may still be started by whoever made it."""
_START_SECONDS = 30.0  # the engine answers when the process runs, and a large image takes its time
_LOOKS, _LOOK_SECONDS = 20, 0.1
_CREATED, _CONFLICT = 201, 409
_NETWORK_GONE = re.compile(r"^(error response from daemon: )?(network \S+ not found|no such network)")
_STARTED = frozenset({204, 304})


def start(containers: Containers, spec: ContainerSpec) -> str:
    """See `Driver.start`. Of a start that the engine refuses nothing stays."""
    handle = container_name(containers.owner, spec.name)
    for last in (False, True):
        made = answer = _create(containers, spec, handle)
        if made.status == _CONFLICT:
            return _found(containers, handle, spec.organization)
        if made.status == _CREATED:
            answer = _start(containers, handle)
        if answer.status in _STARTED:
            return handle
        network_gone = answer.status == 404 and _NETWORK_GONE.search(message_of(answer)) is not None
        failure = start_failure(answer)
        if made.status == _CREATED and (network_gone or failure.cause is not None):
            containers.forget_unstarted(handle)
        if last or not network_gone:
            sweep_networks(containers.api, containers.owner, [spec.organization])
            raise failure
    raise AssertionError  # the second time it has returned or raised


def _create(containers: Containers, spec: ContainerSpec, handle: str) -> Answer:
    network = network_of(containers.api, containers.owner, spec.organization)
    body = create_body(spec, containers.owner, network)
    return containers.api.call("POST", "/containers/create", query={"name": handle}, body=body)


def _start(containers: Containers, handle: str) -> Answer:
    return containers.api.call("POST", f"{path_of(handle)}/start", seconds=_START_SECONDS)


def _found(containers: Containers, handle: str, organization: int) -> str:
    """The handle of a container that was there already, started if nobody else will."""
    existing = _existing(containers, handle)
    if not containers.is_ours(existing, handle):
        sweep_networks(containers.api, containers.owner, [organization])
        raise RuntimeFailure(
            "The engine has a container of that name which is not ours.",
            permanent=True,
            cause=Cause.START_REFUSED,
        )
    with speaking():
        unstarted = phase_of(existing.body["State"]["Status"]) is Phase.CREATED
        age = engine_now(existing) - moment_of(existing.body["Created"])
    # A start of a younger one may be under way in the engine although its caller is dead. The container may even end
    # before ours comes, which would run it a second time.
    if unstarted and age > LEFT_ALONE:
        answer = _start(containers, handle)
        if answer.status not in _STARTED:
            containers.forget_unstarted(handle)
            raise start_failure(answer)
    return handle


def _existing(containers: Containers, handle: str) -> Answer:
    """The container whose name is taken: while it is being made, the engine does not show it yet."""
    for _ in range(_LOOKS):
        found = containers.look(handle)
        if found is not None:
            return found
        time.sleep(_LOOK_SECONDS)
    raise RuntimeFailure("The engine is at work on a container of that name.", permanent=False)
