"""From a cluster's row to the driver of its engine. Only workers call this: it decrypts the connection."""

from functools import cache

from accounts import secrets
from clusters.connections import KINDS, reach
from clusters.models import Cluster, Installation
from clusters.runtimes.base import Driver, Owner


def driver_for(cluster: Cluster) -> Driver:
    """The driver of the cluster's runtime. Raises RuntimeFailure for a connection that cannot be used.

    Raises UnreadableSecret for one that no key decrypts.
    """
    # Not kept: a pod's own token is another one after an hour. What is dear, being signed in, is kept by its door.
    owner = Owner(installation=installation_id(), cluster=cluster.engine_id.hex)
    connection = secrets.decrypt(cluster.connection)
    return KINDS[cluster.runtime].driver(connection, owner, reach(trusted=cluster.connected_by_staff))


@cache
def installation_id() -> str:
    """This installation's name on the engines that it uses, as hexadecimal digits."""
    return str(Installation.objects.get_or_create(pk=1)[0])
