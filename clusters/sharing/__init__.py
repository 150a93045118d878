"""Which organizations may use a cluster, and with which weight."""
