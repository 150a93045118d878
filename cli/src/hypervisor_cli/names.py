"""A number or a name, wherever an id is asked for."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from hypervisor_cli.exits import Exit, Failure
from hypervisor_client import Client, Cluster, Deployment, Organization

MOST_TOLD = 8


class Named(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def as_id(given: str) -> int | None:
    """`12` and `#12` are ids; anything else is a name."""
    digits = given.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def organization(client: Client, given: str | None) -> Organization:
    """The one that is meant; without a name the only one there is."""
    if given is None:
        return _only(client.organizations.list(), "organization", "hv org create NAME", "--org")
    if (id_ := as_id(given)) is not None:
        return client.organizations.get(id_)
    return _exact(client.organizations.list(name=given), given, "organization", "hv org list")


def cluster(client: Client, given: str | None) -> Cluster:
    """The one that is meant; without a name the only one there is."""
    if given is None:
        return _only(client.clusters.list(), "cluster", "hv cluster create NAME", "--cluster")
    if (id_ := as_id(given)) is not None:
        return client.clusters.get(id_)
    return _exact(client.clusters.list(name=given), given, "cluster", "hv cluster list")


def deployment_id(client: Client, given: str) -> int:
    """The id of the deployment that is meant. Of several with one name the only one that has not ended."""
    if (id_ := as_id(given)) is not None:
        return id_
    found = [one for one in client.deployments.list(name=given) if one.name == given]
    live = [one for one in found if not one.is_final]
    return _exact(live if len(live) == 1 else found, given, "deployment", "hv ps --all").id


def deployment(client: Client, given: str) -> Deployment:
    """The deployment that is meant, with its reasons."""
    return client.deployments.get(deployment_id(client, given))


def _exact(found: Iterable[N], given: str, kind: str, where: str) -> N:
    exact = [one for one in found if one.name == given]
    if not exact:
        raise Failure(f"There is no {kind} {given!r} that you can see. See: {where}", Exit.NOT_FOUND)
    if len(exact) > 1:
        ids = ", ".join(f"#{one.id}" for one in exact[:MOST_TOLD])
        more = " …" if len(exact) > MOST_TOLD else ""
        raise Failure(f"{len(exact)} {kind}s are called {given!r}: {ids}{more}. Name one by its id.")
    return exact[0]


def _only(found: Iterable[N], kind: str, create: str, option: str) -> N:
    every = list(found)
    if not every:
        raise Failure(f"You can see no {kind} yet. Make one with: {create}", Exit.NOT_FOUND)
    if len(every) > 1:
        names = ", ".join(one.name for one in every[:MOST_TOLD])
        more = " …" if len(every) > MOST_TOLD else ""
        raise Failure(f"You can see {len(every)} {kind}s. Say which with {option}: {names}{more}", Exit.USAGE)
    return every[0]
