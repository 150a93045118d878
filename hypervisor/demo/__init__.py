"""A real workload, the wire contract and a bad day, each played against a running service over HTTP."""
