"""Who may do what in an organization: one table, role × action."""

from enum import StrEnum

from accounts.errors import Forbidden
from organizations.models import Role


class Action(StrEnum):
    """What a member of an organization may be allowed to do there."""

    READ = "read it"
    READ_ENV = "read environment values"
    READ_LOGS = "read logs"
    SUBMIT = "submit deployments"
    CHANGE_OWN_DEPLOYMENTS = "change your own deployments"
    CHANGE_ANY_DEPLOYMENT = "change other members' deployments"
    MANAGE_CLUSTERS = "manage clusters"
    MANAGE_CREDENTIALS = "manage registry credentials"
    MANAGE_WEBHOOKS = "manage webhooks"
    INVITE = "invite people"
    MANAGE_MEMBERS = "manage members"
    MANAGE_ADMINS = "manage admins and owners"
    RENAME = "rename the organization"
    DELETE = "delete the organization"


VIEWER = frozenset({Action.READ})
MEMBER = VIEWER | {Action.READ_ENV, Action.READ_LOGS, Action.SUBMIT, Action.CHANGE_OWN_DEPLOYMENTS}
ADMIN = MEMBER | {
    Action.CHANGE_ANY_DEPLOYMENT,
    Action.MANAGE_CLUSTERS,
    Action.MANAGE_CREDENTIALS,
    Action.MANAGE_WEBHOOKS,
    Action.INVITE,
    Action.MANAGE_MEMBERS,
    Action.RENAME,
}
OWNER = ADMIN | {Action.MANAGE_ADMINS, Action.DELETE}
ALLOWED: dict[str, frozenset[Action]] = {
    Role.OWNER: OWNER,
    Role.ADMIN: ADMIN,
    Role.MEMBER: MEMBER,
    Role.VIEWER: VIEWER,
}

MANAGED_BY_OWNERS = frozenset({Role.OWNER, Role.ADMIN})
"""Roles that only who may MANAGE_ADMINS gives, takes or removes."""


def allows(role: str, action: Action) -> bool:
    """Whether the table has the cell; an unknown role has none."""
    return action in ALLOWED.get(role, frozenset())


def require(role: str, action: Action) -> None:
    """Raise Forbidden unless the role allows the action."""
    if not allows(role, action):
        able = ", ".join(name for name in Role.values if allows(name, action))
        raise Forbidden(f"As {role} of this organization you may not {action}. Ask one of its: {able}.")
