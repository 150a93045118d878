"""A fact that flows up: something here may let the scheduler do more. Only a hint; the beat is the truth."""

from django.dispatch import Signal

capacity_changed = Signal()
"""Sent inside a transaction with `cluster_ids`, a tuple of ids."""
