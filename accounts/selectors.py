"""Reading accounts, as rows for the wire."""

from typing import Any

from django.db.models import F

from accounts.errors import NotSignedIn
from accounts.models import User


def profile(*, user_id: int) -> dict[str, Any]:
    """The user as `/register` and `/me` show them. Raises NotSignedIn for one who was deleted."""
    row = (
        User.objects.filter(pk=user_id).values("id", "username", "email", created_at=F("date_joined")).first()
    )
    if row is None:
        raise NotSignedIn("This account is gone. Register again at /register.")
    return dict(row)
