"""The whole wire contract, exercised over HTTP against a running service: `python -m hypervisor.demo.contract`."""
