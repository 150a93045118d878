"""Where a request came from and through which door, for the audit log: set by the middleware, read by `record`."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

request_address: ContextVar[str] = ContextVar("request_address", default="")
"""An IP address, or empty."""
request_channel: ContextVar[str] = ContextVar("request_channel", default="")
"""A `Channel`, or empty outside of requests: a command, for example."""


def record(
    *,
    actor_id: int | None,
    action: str,
    target: str = "",
    organization_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one line to the audit log, in the caller's transaction.

    `target` is like "cluster:7"; `detail` holds no secrets.
    """
    record_all(
        actor_id=actor_id, action=action, organization_id=organization_id, details=[(target, detail or {})]
    )


def record_all(
    *,
    actor_id: int | None,
    action: str,
    organization_id: int | None,
    details: Iterable[tuple[str, dict[str, Any]]],
) -> None:
    """Append a line for each (target, detail), in one statement."""
    from accounts.copying import copy_rows
    from accounts.models import AuditEntry

    entries = [
        AuditEntry(
            actor_id=actor_id,
            action=action,
            target=target,
            organization_id=organization_id,
            detail=detail,
            address=request_address.get() or None,
            channel=request_channel.get(),
        )
        for target, detail in details
    ]
    if len(entries) == 1:
        entries[0].save(force_insert=True)
    else:
        copy_rows(entries)
