"""Reading organizations, as rows for the wire."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from accounts.errors import NotFound
from accounts.models import User
from organizations.models import Membership, Organization
from organizations.permissions import Action, allows

UNSEEN = "There is no organization with this id that you can see."
NO_MEMBER = "Nobody with this id is a member of this organization. See the list of its members."
COLUMNS = ("id", "name", "created_at", "invite_code", "invite_expires_at", "invite_uses_left", "my_role")
INVITE_COLUMNS = ("invite_code", "invite_expires_at", "invite_uses_left")


def organizations(*, user: User) -> QuerySet[Any]:
    """Rows of the user's organizations, oldest first."""
    rows: QuerySet[Any] = Organization.objects.visible_to(user).order_by("id").values(*COLUMNS)
    return rows


def organization(*, user: User, organization_id: int) -> Organization:
    """One organization of the user, with `my_role`. Raises NotFound."""
    found: Organization | None = Organization.objects.visible_to(user).filter(pk=organization_id).first()
    if found is None:
        raise NotFound(UNSEEN)
    return found


def organization_shown(*, user: User, organization_id: int) -> dict[str, Any]:
    """One organization of the user, as the wire shows it. Raises NotFound."""
    row = organizations(user=user).filter(pk=organization_id).first()
    if row is None:
        raise NotFound(UNSEEN)
    return organization_answer(row)


def organization_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the wire shows it: the invite only to those who may invite."""
    answer = {key: value for key, value in row.items() if key != "my_role"}
    answer["role"] = row["my_role"]
    if not allows(row["my_role"], Action.INVITE):
        for column in INVITE_COLUMNS:
            answer.pop(column)
    return answer


def members(*, organization_id: int) -> QuerySet[Any]:
    """Rows of an organization's members, oldest first."""
    rows: QuerySet[Any] = (
        Membership.objects.filter(organization_id=organization_id)
        .order_by("id")
        .values("id", "user_id", "user__username", "role", "created_at")
    )
    return rows


def member_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A member's row as the wire shows it."""
    return {
        "user_id": row["user_id"],
        "username": row["user__username"],
        "role": row["role"],
        "joined_at": row["created_at"],
    }


def member(*, organization_id: int, user_id: int) -> dict[str, Any]:
    """One member as the wire shows it. Raises NotFound, alike for who is elsewhere and who does not exist."""
    row = members(organization_id=organization_id).filter(user_id=user_id).first()
    if row is None:
        raise NotFound(NO_MEMBER)
    return member_answer(row)


def my_organizations(*, user_id: int) -> list[dict[str, Any]]:
    """The organizations of a user, with the role in each."""
    rows = (
        Membership.objects.filter(user_id=user_id, organization__deleted_at=None)
        .order_by("organization_id")
        .values_list("organization_id", "organization__name", "role")
    )
    return [{"id": id_, "name": name, "role": role} for id_, name, role in rows]
