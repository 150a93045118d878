"""Who belongs to an organization, and as what. Every change holds the organization's lock."""

from django.db import transaction

from accounts.errors import Conflict, NotFound
from accounts.models import User
from organizations.models import Membership, Organization, Role, new_invite_code
from organizations.permissions import MANAGED_BY_OWNERS, Action, require
from organizations.selectors import NO_MEMBER, UNSEEN
from organizations.services.tenants import lock_organization, record


@transaction.atomic
def change_role(
    *, actor: User, organization_id: int, user_id: int, role: str, for_platform: bool = False
) -> None:
    """Make a member something else. Raises NotFound, Forbidden, and Conflict for the last owner.

    `for_platform`: the actor runs the installation, and need not be a member.
    """
    organization = lock_organization(organization_id=organization_id)
    membership = _manageable(actor, organization, user_id, also=role, for_platform=for_platform)
    if membership.role == role:
        return
    if membership.role == Role.OWNER:
        _keep_an_owner(organization, user_id)
    Membership.objects.filter(pk=membership.pk).update(role=role)
    record(actor, "member.role_changed", organization, user=user_id, old=membership.role, new=role)


@transaction.atomic
def remove_member(*, actor: User, organization_id: int, user_id: int, for_platform: bool = False) -> None:
    """Remove a member, or leave when it is oneself. Raises NotFound, Forbidden, and Conflict for the last owner.

    Deployments stay: they are the organization's. Who is removed knows the invite code that let them in, so it is
    replaced; its end and its uses stay as they were. `for_platform`: as in `change_role`.
    """
    organization = lock_organization(organization_id=organization_id)
    leaving = user_id == actor.pk
    membership = (
        _own(actor, organization)
        if leaving
        else _manageable(actor, organization, user_id, also=None, for_platform=for_platform)
    )
    if membership.role == Role.OWNER:
        _keep_an_owner(organization, user_id)
    membership.delete()
    if not leaving:
        Organization.objects.filter(pk=organization.pk).update(invite_code=new_invite_code())
    record(actor, "member.left" if leaving else "member.removed", organization, user=user_id)


def _own(actor: User, organization: Organization) -> Membership:
    # Read again under the lock: the actor may have been removed or demoted a moment ago.
    own: Membership | None = organization.memberships.filter(user_id=actor.pk).first()
    if own is None:
        raise NotFound(UNSEEN)
    return own


def _manageable(
    actor: User, organization: Organization, user_id: int, *, also: str | None, for_platform: bool
) -> Membership:
    """The member, if the actor may manage both what they are and what they shall be."""
    mine = Role.OWNER.value if for_platform else _own(actor, organization).role
    require(mine, Action.MANAGE_MEMBERS)
    membership: Membership | None = organization.memberships.filter(user_id=user_id).first()
    if membership is None:
        raise NotFound(NO_MEMBER)
    if MANAGED_BY_OWNERS & {membership.role, also}:
        require(mine, Action.MANAGE_ADMINS)
    return membership


def _keep_an_owner(organization: Organization, user_id: int) -> None:
    others = organization.memberships.filter(role=Role.OWNER, user__is_active=True).exclude(user_id=user_id)
    if not others.exists():
        raise Conflict(
            "The last owner stays. Make another member owner first, or delete the organization.",
            state="last owner",
            allowed=["make another member owner", "delete the organization"],
        )
