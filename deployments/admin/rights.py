"""What a role allows with deployments in the console: the same as in the API."""

from typing import Any

from accounts.admin.scope import allowed, sees_all, who_looks
from organizations.admin.rights import RoleRight, own_ids, role_on
from organizations.permissions import Action, require


class ChangesIt:
    """One's own deployments, or also those of others."""

    def require(self, user: Any, row: Any) -> None:
        own = row.created_by_id == user.pk
        require(role_on(user, row), Action.CHANGE_OWN_DEPLOYMENTS if own else Action.CHANGE_ANY_DEPLOYMENT)

    def anywhere(self, user: Any) -> bool:
        return RoleRight(Action.CHANGE_OWN_DEPLOYMENTS).anywhere(user)


CHANGES = ChangesIt()
READS_ENV = RoleRight(Action.READ_ENV)
READS_LOGS = RoleRight(Action.READ_LOGS)


def may_read_env(row: Any) -> bool:
    """Whether who looks at this page may read environment values of the row's organization."""
    user = who_looks()
    return user is not None and allowed(READS_ENV, user, row)


def is_mine(organization_id: int | None) -> bool:
    """Whether who looks at this page may know ids of this organization."""
    user = who_looks()
    return user is not None and (sees_all(user) or organization_id in own_ids(user))
