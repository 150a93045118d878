"""Holds a service of its own to its promises about real containers on Docker engines, step by step."""
