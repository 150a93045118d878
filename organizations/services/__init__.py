"""What happens to organizations, their members and invites: one keyword-only function per verb."""

from organizations.services.invites import join_organization, regenerate_invite
from organizations.services.members import change_role, remove_member
from organizations.services.tenants import (
    create_organization,
    delete_organization,
    deletion_vetoes,
    lock_organization,
    rename_organization,
)

__all__ = [
    "change_role",
    "create_organization",
    "delete_organization",
    "deletion_vetoes",
    "join_organization",
    "lock_organization",
    "regenerate_invite",
    "remove_member",
    "rename_organization",
]
