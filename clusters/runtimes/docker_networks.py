"""One network for each organization, there while it has containers: its own see each other, and nobody else does."""

import threading
from collections.abc import Iterable
from typing import Any

from .base import Owner, RuntimeFailure
from .docker_api import DockerAPI, filters, listed, speaking
from .docker_refusals import start_failure
from .docker_spec import INSTALLATION, ORGANIZATION, network_body

_making = threading.Lock()
"""The engine's own check for duplicates lets two of the same moment through."""


def network_of(api: DockerAPI, owner: Owner, organization: int) -> str:
    """The id of the organization's network, made if there is none. Raises RuntimeFailure."""
    found = _find(api, owner, organization)
    if found:
        return found[0]
    with _making:
        found = _find(api, owner, organization)
        if found:
            return found[0]
        answer = api.call("POST", "/networks/create", body=network_body(owner, organization))
    if answer.status not in (201, 409):
        raise start_failure(answer)
    found = _find(api, owner, organization)
    if not found:
        raise RuntimeFailure("The network of this organization was gone at once.", permanent=False)
    return found[0]


def sweep_networks(api: DockerAPI, owner: Owner, organizations: Iterable[int]) -> None:
    """Remove the networks of those that have no container left. What fails is left for the next time."""
    for organization in organizations:
        try:
            labels = _labels(owner, organization)
            answer = api.call(
                "GET", "/containers/json", query={"all": "true", "limit": 1, **filters(label=labels)}
            )
            if answer.status == 200 and answer.body == []:
                for network in _find(api, owner, organization):
                    api.call("DELETE", f"/networks/{network}")
        except RuntimeFailure:
            continue


def _find(api: DockerAPI, owner: Owner, organization: int) -> list[str]:
    """The ids of the organization's networks, oldest first: all who made one at the same time agree on the first."""
    answer = api.call("GET", "/networks", query=filters(label=_labels(owner, organization)))
    with speaking():
        networks: list[dict[str, Any]] = sorted(
            listed(answer), key=lambda network: (network["Created"], network["Id"])
        )
        return [str(network["Id"]) for network in networks]


def _labels(owner: Owner, organization: int) -> list[str]:
    return [f"{INSTALLATION}={owner.installation}", f"{ORGANIZATION}={organization}"]
