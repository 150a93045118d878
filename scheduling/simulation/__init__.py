"""Replaying a workload through the planner in virtual time. No Django, no clock; only `traces` reads files."""
