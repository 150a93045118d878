"""The console's pages of the scheduler and of beat, and what clusters' pages learn from the scheduler."""

from scheduling.admin import beat, cycles, policies

__all__ = ["beat", "cycles", "policies"]
