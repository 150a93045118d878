"""What happens to organizations and their members: one function per verb."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from organizations.models import Membership, Organization, Role, new_invite_code

deletion_vetoes: list[Callable[[int], str | None]] = []
"""Higher apps add a function that answers why an organization may not be deleted now, or None."""


@transaction.atomic
def create_organization(*, actor: User, name: str) -> Organization:
    """A new tenant, owned by its creator."""
    organization: Organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user_id=actor.pk, role=Role.OWNER)
    _record(actor, "organization.created", organization, name=name)
    return organization


@transaction.atomic
def rename_organization(*, actor: User, organization: Organization, name: str) -> None:
    """Give it another name."""
    _record(actor, "organization.renamed", organization, old=organization.name, new=name)
    Organization.objects.filter(pk=organization.pk).update(name=name)


@transaction.atomic
def delete_organization(*, actor: User, organization: Organization) -> None:
    """Hide it from everybody. Raises Conflict while anything of it runs."""
    # Stronger than `lock_organization`: afterwards nobody adds anything to it.
    locked = Organization.objects.select_for_update(of=("self",)).get(pk=organization.pk)
    for veto in deletion_vetoes:
        if reason := veto(locked.pk):
            raise Conflict(reason)
    Organization.objects.filter(pk=locked.pk).update(deleted_at=timezone.now(), invite_code=new_invite_code())
    _record(actor, "organization.deleted", organization)


@transaction.atomic
def regenerate_invite(
    *,
    actor: User,
    organization: Organization,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
) -> str:
    """A new invite code; the old one is dead when this returns."""
    code = new_invite_code()
    Organization.objects.filter(pk=organization.pk).update(
        invite_code=code, invite_expires_at=expires_at, invite_uses_left=max_uses
    )
    _record(actor, "organization.invite_regenerated", organization)
    return code


@transaction.atomic
def join_organization(*, actor: User, invite_code: str) -> Organization:
    """Become a member. Unknown, expired and used-up codes raise the same InvalidInput."""
    organization: Organization | None = (
        Organization.objects.select_for_update(no_key=True)
        .filter(invite_code=invite_code, deleted_at=None)
        .filter(Q(invite_expires_at=None) | Q(invite_expires_at__gt=timezone.now()))
        .first()
    )
    if organization is not None and is_member(user=actor, organization_id=organization.pk):
        raise Conflict("You are a member of this organization already.")
    if organization is None or organization.invite_uses_left == 0:
        raise InvalidInput({"invite_code": "This invite code is not good. Ask for a new one."})
    if organization.invite_uses_left is not None:
        Organization.objects.filter(pk=organization.pk).update(invite_uses_left=F("invite_uses_left") - 1)
    Membership.objects.create(organization=organization, user_id=actor.pk, role=Role.MEMBER)
    _record(actor, "organization.joined", organization)
    return organization


def is_member(*, user: User, organization_id: int) -> bool:
    return bool(Membership.objects.filter(organization_id=organization_id, user_id=user.pk).exists())


def lock_organization(*, organization_id: int) -> Organization:
    """Serialize with others who change members, deletion or dependencies. Take it before any cluster's lock."""
    locked: Organization = Organization.objects.select_for_update(no_key=True, of=("self",)).get(
        pk=organization_id
    )
    return locked


def _record(actor: User, action: str, organization: Organization, **detail: object) -> None:
    audit.record(
        actor_id=actor.pk,
        action=action,
        target=f"organization:{organization.pk}",
        organization_id=organization.pk,
        detail=dict(detail),
    )
