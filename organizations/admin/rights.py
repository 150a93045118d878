"""The table of roles as the console asks it: the same one as the API's."""

from dataclasses import dataclass
from typing import Any

from accounts.admin.display import link
from accounts.admin.scope import scoped, sees_all, who_looks
from accounts.errors import Forbidden
from accounts.models import User
from organizations.models import Membership, Organization
from organizations.permissions import Action, allows, require

GUEST = "Only members of the organization that owns it may do this. Ask one of its owners."


@dataclass(frozen=True, slots=True)
class RoleRight:
    """What a role allows with a row of its organization."""

    action: Action

    def require(self, user: Any, row: Any) -> None:
        role = role_on(user, row)
        if not role:
            raise Forbidden(GUEST)
        require(role, self.action)

    def anywhere(self, user: Any) -> bool:
        return any(allows(role, self.action) for role in roles_of(user))


class Anybody:
    """Whoever is let into the console."""

    def require(self, user: Any, row: Any) -> None:
        pass

    def anywhere(self, user: Any) -> bool:
        return True


def role_on(user: Any, row: Any) -> str:
    """What the user is in the organization of a row; empty for a guest, and for who cannot see it."""
    known = getattr(row, "my_role", None)
    if known is None:
        found = scoped(user, type(row)._default_manager.all()).filter(pk=row.pk).first()
        known = getattr(found, "my_role", "")
    return str(known or "")


def may_see_inside(user: Any, row: Any) -> bool:
    """Whether the user is of the organization whose row it is, and not only its guest."""
    return sees_all(user) or bool(role_on(user, row))


def roles_of(user: Any) -> set[str]:
    """What the user is in any of their organizations."""
    rows = Membership.objects.filter(user_id=user.pk, organization__deleted_at=None)
    return set(rows.values_list("role", flat=True))


def require_in(actor: User, organization: Organization, action: Action) -> None:
    """Raise Forbidden unless the actor may do it there: for what a form is about to make."""
    if not sees_all(actor):
        RoleRight(action).require(actor, organization)


def tenant(organization: Organization) -> Any:
    """An organization as a cell: its page, or for who is no member only its id."""
    user = who_looks()
    if user is None or sees_all(user) or organization.pk in own_ids(user):
        return link(organization)
    return f"organization #{organization.pk}"


def own_ids(user: Any) -> frozenset[int]:
    """The user's organizations, read once for each request."""
    known: frozenset[int] | None = getattr(user, "own_organization_ids", None)
    if known is None:
        rows = Membership.objects.filter(user_id=user.pk, organization__deleted_at=None)
        known = frozenset(rows.values_list("organization_id", flat=True))
        user.own_organization_ids = known
    return known
