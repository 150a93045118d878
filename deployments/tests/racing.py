"""Threads that meet at chosen points, each with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

PATIENCE_SECONDS = 60
BLOCKED_SECONDS = 1.0
"""How long one waits for another who, if the guard holds, cannot come."""


class Meeting:
    """`arrive` tells that one is there; `wait` waits for that, and goes on alone if nobody can come."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def arrive(self) -> None:
        self._event.set()

    def wait(self, seconds: float = BLOCKED_SECONDS) -> None:
        self._event.wait(seconds)


def race(*calls: Callable[[], Any]) -> list[Any]:
    """What each call answers, or the exception that it raises, when all begin at once."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def one(index: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(PATIENCE_SECONDS)
            answers[index] = call()
        except Exception as error:
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "a thread hangs: a deadlock that the database does not see"
    return answers


def elsewhere(call: Callable[[], Any]) -> Any:
    """What the call answers on another connection, committed when this returns; raises what it raises."""
    (answer,) = race(call)
    if isinstance(answer, Exception):
        raise answer
    return answer
