"""The one cached fact about a user that every request needs: is this session still good, and whose is it?

The database is the truth: a trigger raises `session_version` with every new password and (de)activation. The cache is
written anew when such a change commits, so it holds from the next request on. What the cache could not be told,
because Redis was away or the change was made in SQL, holds after CACHE_SECONDS; renewing a token always asks the
database.
"""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts.models import User

CACHE_SECONDS = 30
"""The longest that an ended session can go on if Redis was away at the moment when it ended."""


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


NOBODY = Session(0, "", is_staff=False, is_superuser=False)


def current(user_id: int) -> Session:
    """The user's session record, from the cache or else from the database."""
    cached = cache.get(_key(user_id))
    if cached is not None:
        return Session(*cached)
    session = stored(user_id)
    # `add`, not `set`: a reader that was slow must not overwrite what a change has written meanwhile.
    cache.add(_key(user_id), _packed(session), CACHE_SECONDS)
    return session


def stored(user_id: int) -> Session:
    """The user's session record as the database has it now."""
    row = (
        User.objects.filter(id=user_id, is_active=True)
        .values_list("session_version", "username", "is_staff", "is_superuser")
        .first()
    )
    return Session(*row) if row else NOBODY


def changed(user_id: int) -> None:
    """To be called in the transaction that changes a user: the next request sees it."""
    transaction.on_commit(lambda: _renew(user_id))


def _renew(user_id: int) -> None:
    # Two changes may commit and write in opposite orders. Whoever writes last looks again, so the newest stays.
    session, written = stored(user_id), None
    while session != written:
        cache.set(_key(user_id), _packed(session), CACHE_SECONDS)
        session, written = stored(user_id), session


def _packed(session: Session) -> tuple[int, str, bool, bool]:
    return (session.version, session.username, session.is_staff, session.is_superuser)


def _key(user_id: int) -> str:
    return f"session:{user_id}"
