"""The console's pages of clusters. Higher apps add what they know to `cluster.ClusterAdmin`."""

from clusters.admin import cluster, credential, history, sharing

__all__ = ["cluster", "credential", "history", "sharing"]
