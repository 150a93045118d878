"""Encryption at rest: ENCRYPTION_KEYS' first key encrypts, all of them decrypt, so that keys can rotate."""

from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableSecret(Exception):
    """None of ENCRYPTION_KEYS decrypts this: a key was removed too early."""


def encrypt(value: Any) -> str:
    """Any JSON value → a token of url-safe text."""
    return _keys().encrypt(orjson.dumps(value)).decode()


def decrypt(token: str) -> Any:
    """What was encrypted; an empty token is an empty object. Only workers need this. Raises UnreadableSecret."""
    if not token:
        return {}
    try:
        return orjson.loads(_keys().decrypt(token.encode()))
    except InvalidToken as error:
        raise UnreadableSecret(
            "No key of ENCRYPTION_KEYS reads this. Put the key that it was written with back."
        ) from error


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
