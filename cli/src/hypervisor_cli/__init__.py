"""`hv`, the command line of MLOps Hypervisor."""
