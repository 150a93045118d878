"""`python -m hypervisor_cli` is `hv`."""

from hypervisor_cli.main import main

main()
