"""Encryption at rest, as every app has it; see `accounts.secrets`."""

from accounts.secrets import UnreadableSecret, decrypt, encrypt

__all__ = ["UnreadableSecret", "decrypt", "encrypt"]
