"""The console's pages of the scheduler and of beat, and what clusters' pages learn from the scheduler."""

from scheduling.admin import beat, certificates, cycles, plan, policies, queue, simulations, timeline

__all__ = ["beat", "certificates", "cycles", "plan", "policies", "queue", "simulations", "timeline"]
