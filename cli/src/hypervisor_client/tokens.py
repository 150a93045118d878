"""Where a client keeps its tokens. A refresh token works once: who renews must keep the new one, and alone."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """`refresh` None: this access token cannot be renewed."""

    access: str
    refresh: str | None = None


class TokenStore(Protocol):
    """Tokens that several clients may share."""

    def load(self) -> Tokens | None:
        """As they are now."""

    def save(self, tokens: Tokens) -> None:
        """Keep these, all or nothing."""

    def alone(self) -> AbstractContextManager[None]:
        """Until the block ends nobody else renews: an old refresh token, sent again, ends all sessions of its
        family."""


class MemoryStore:
    """For one process."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def load(self) -> Tokens | None:
        """See `TokenStore.load`."""
        return self._tokens

    def save(self, tokens: Tokens) -> None:
        """See `TokenStore.save`."""
        self._tokens = tokens

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `TokenStore.alone`."""
        with self._lock:
            yield
