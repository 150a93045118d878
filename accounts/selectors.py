"""Reading accounts, as rows for the wire."""

from typing import Any

from accounts.models import User


def profile(*, user_id: int) -> dict[str, Any]:
    """The user as `/register` and `/me` show them."""
    row: dict[str, Any] = dict(User.objects.values("id", "username", "email", "date_joined").get(pk=user_id))
    return {**row, "created_at": row.pop("date_joined")}
