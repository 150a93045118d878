"""From a cluster's row to the driver of its engine. Only workers call this: it decrypts the connection."""

from functools import cache, lru_cache

from clusters import secrets
from clusters.connections import KINDS, reach
from clusters.models import Cluster, Installation
from clusters.runtimes.base import Driver, Owner
from clusters.runtimes.endpoints import Reach


def driver_for(cluster: Cluster) -> Driver:
    """The driver of the cluster's runtime. Raises RuntimeFailure for a connection that cannot be used.

    Raises UnreadableSecret for one that no key decrypts.
    """
    return _driver(
        cluster.runtime,
        cluster.connection,
        cluster.engine_id.hex,
        reach(trusted=cluster.connected_by_staff),
    )


@lru_cache(maxsize=512)
def _driver(runtime: str, connection: str, engine: str, allowed: Reach) -> Driver:
    """Kept, so that its connections are: signing in anew for each look would cost more than the look."""
    owner = Owner(installation=installation_id(), cluster=engine)
    return KINDS[runtime].driver(secrets.decrypt(connection), owner, allowed)


@cache
def installation_id() -> str:
    """This installation's name on the engines that it uses, as hexadecimal digits."""
    return str(Installation.objects.get_or_create(pk=1)[0])
