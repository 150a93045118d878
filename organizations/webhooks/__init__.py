"""Webhooks: an organization's events, sent to an address of its own, signed, tried again, and logged."""
