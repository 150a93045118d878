"""Clusters, who may use them, and what signs their engines in to registries."""

from clusters.models.cluster import (
    MOST_WEIGHT,
    Cluster,
    ClusterEvent,
    ClusterShare,
    ClusterState,
    Installation,
    Runtime,
    available,
    state_of,
)
from clusters.models.credential import RegistryCredential

__all__ = [
    "MOST_WEIGHT",
    "Cluster",
    "ClusterEvent",
    "ClusterShare",
    "ClusterState",
    "Installation",
    "RegistryCredential",
    "Runtime",
    "available",
    "state_of",
]
