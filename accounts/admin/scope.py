"""Whose rows the console shows to whom, and who may press what there.

Superusers see and do everything. Everybody else sees what a model's `visible_to` gives, and does what a `Right`
allows. It fails closed: a model without `visible_to`, a verb without a right, and a panel or a view of its own address
that is not said to be `for_staff` are superusers' alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.errors import Forbidden

Made = TypeVar("Made", bound=Callable[..., Any])
_for_staff: set[Callable[..., Any]] = set()
_looking: ContextVar[Any] = ContextVar("looking", default=None)


class Right(Protocol):
    """Who, beside superusers, may do something."""

    def require(self, user: Any, row: Any) -> None:
        """Raise Forbidden unless the user may do it with this row, which they can see."""

    def anywhere(self, user: Any) -> bool:
        """Whether there may be a row with which the user may do it."""


def for_staff(made: Made) -> Made:
    """Says of a panel or a view of its own address that it looks itself at whose the rows are that it shows.

    What does not say it is superusers' alone.
    """
    _for_staff.add(made)
    return made


def is_for_staff(made: Callable[..., Any]) -> bool:
    return made in _for_staff


def sees_all(user: Any) -> bool:
    return bool(user.is_active and user.is_superuser)


def is_scoped(model: type[Model]) -> bool:
    """Whether the model says whose its rows are."""
    return hasattr(model._default_manager, "visible_to")


def scoped(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those of the rows that the user may see, each with `my_role` unless they see all."""
    if sees_all(user):
        return rows
    visible_to = getattr(rows, "visible_to", None)
    return visible_to(user) if visible_to else rows.none()


def scope(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The same for who asks."""
    return scoped(request.user, rows)


def may_see(user: Any, row: Any) -> bool:
    """Whether the user may see this row, wherever it was read."""
    if sees_all(user):
        return True
    rows = type(row)._default_manager.all()
    return hasattr(row, "my_role") or scoped(user, rows).filter(pk=row.pk).exists()


def require(right: Right | None, user: Any, row: Any) -> None:
    """Raise Forbidden unless the user may do it with the row. Without a right only superusers may."""
    if sees_all(user):
        return
    if right is None:
        raise Forbidden("Only those who run this installation may do this.")
    right.require(user, row)


def allowed(right: Right | None, user: Any, row: Any = None) -> bool:
    """The same as a question; without a row, whether there may be one."""
    if row is None:
        return sees_all(user) or (right is not None and right.anywhere(user))
    try:
        require(right, user, row)
    except Forbidden:
        return False
    return True


@contextmanager
def seen_by(user: Any) -> Iterator[None]:
    """While a page is made, the one for whom: what a cell links to depends on it."""
    token = _looking.set(user)
    try:
        yield
    finally:
        _looking.reset(token)


def who_looks() -> Any:
    """The user for whom a page is being made; None outside of the console."""
    return _looking.get()


def has_page(model: type[Model]) -> bool:
    """Whether who looks may open pages of this model; outside of the console there is nobody to hide them from."""
    user = who_looks()
    return user is None or sees_all(user) or is_scoped(model)
