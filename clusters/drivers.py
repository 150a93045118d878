"""From a cluster's row to the driver of its engine. Only workers call this: it decrypts the connection."""

from clusters import secrets
from clusters.models import Cluster
from clusters.redis import redis_client
from clusters.runtimes.base import Driver
from clusters.runtimes.simulated import SimulatedDriver


def driver_for(cluster: Cluster) -> Driver:
    """The driver of the cluster's runtime. Raises RuntimeFailure for a connection that cannot be used."""
    return SimulatedDriver(redis_client(), cluster.engine_id.hex, secrets.decrypt(cluster.connection))
