"""The console's pages of the scheduler and of beat, and what clusters' pages learn from the scheduler."""

from scheduling.admin import (
    beat,
    certificates,
    cluster,
    cycles,
    explanations,
    policies,
    simulations,
    usage,
)

__all__ = ["beat", "certificates", "cluster", "cycles", "explanations", "policies", "simulations", "usage"]
