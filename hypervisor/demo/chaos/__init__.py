"""A bad day: kills every process of a service of its own, one at a time, under a real workload."""
