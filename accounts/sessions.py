"""The one cached fact about a user that every request needs: is this session still good, and whose is it?"""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts.models import User

CACHE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Session:
    """`version` 0 means that the user may not sign in."""

    version: int
    username: str
    is_staff: bool
    is_superuser: bool

    def user(self, user_id: int) -> User:
        """A User for the request without a query; any other field is fetched if it is asked for."""
        known: dict[str, Any] = {
            "id": user_id,
            "is_active": True,
            "session_version": self.version,
            "username": self.username,
            "is_staff": self.is_staff,
            "is_superuser": self.is_superuser,
        }
        # from_db takes the values by the model's order of columns, whatever the order of the names.
        names = [field.attname for field in User._meta.concrete_fields if field.attname in known]
        return User.from_db("default", names, [known[name] for name in names])


def current(user_id: int) -> Session:
    """The user's session record, from the cache or else from the database."""
    key = _key(user_id)
    cached = cache.get(key)
    if cached is not None:
        return Session(*cached)
    session = _read(user_id)
    # `add`, not `set`: a reader that was slow must not overwrite what a change has written meanwhile.
    cache.add(key, _packed(session), CACHE_SECONDS)
    return session


def changed(user_id: int) -> None:
    """To be called in the transaction that changes a user: the next request sees it."""
    transaction.on_commit(lambda: cache.set(_key(user_id), _packed(_read(user_id)), CACHE_SECONDS))


def _read(user_id: int) -> Session:
    row = (
        User.objects.filter(id=user_id, is_active=True)
        .values_list("session_version", "username", "is_staff", "is_superuser")
        .first()
    )
    return Session(*row) if row else Session(0, "", is_staff=False, is_superuser=False)


def _packed(session: Session) -> tuple[int, str, bool, bool]:
    return (session.version, session.username, session.is_staff, session.is_superuser)


def _key(user_id: int) -> str:
    return f"session:{user_id}"
