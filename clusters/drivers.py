"""From a cluster's row to the driver of its engine. Only workers call this: it decrypts the connection."""

from clusters import secrets
from clusters.connections import KINDS, reach
from clusters.models import Cluster, Installation
from clusters.runtimes.base import Driver, Owner


def driver_for(cluster: Cluster) -> Driver:
    """The driver of the cluster's runtime. Raises RuntimeFailure for a connection that cannot be used.

    Raises UnreadableSecret for one that no key decrypts.
    """
    connection = secrets.decrypt(cluster.connection)
    installation, _ = Installation.objects.get_or_create(pk=1)
    owner = Owner(installation=installation.uuid.hex, cluster=cluster.engine_id.hex)
    return KINDS[cluster.runtime].driver(connection, owner, reach(trusted=cluster.connected_by_staff))
