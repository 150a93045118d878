"""The way into an organization: a code that those who may invite hand on."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from organizations.models import Membership, Organization, Role, new_invite_code
from organizations.services.tenants import lock_organization, record

NOT_GOOD = "This invite code is not good. Check it, or ask who gave it to you for a new one."


@transaction.atomic
def regenerate_invite(
    *,
    actor: User,
    organization: Organization,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
) -> str:
    """A new invite code; the old one is dead when this returns. Raises InvalidInput for a time that has passed."""
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput({"expires_at": "This time has passed. Name a later one, or null for no end."})
    locked = lock_organization(organization_id=organization.pk)
    code = new_invite_code()
    Organization.objects.filter(pk=locked.pk).update(
        invite_code=code, invite_expires_at=expires_at, invite_uses_left=max_uses
    )
    end = expires_at.isoformat() if expires_at else None
    record(actor, "organization.invite_regenerated", locked, expires_at=end, max_uses=max_uses)
    return code


@transaction.atomic
def join_organization(*, actor: User, invite_code: str) -> Organization:
    """Become a member. Unknown, expired and used-up codes are one query and the same InvalidInput."""
    now = timezone.now()
    # Who waits for this lock sees the row as the one before left it, or no row if the code died meanwhile.
    organization: Organization | None = (
        Organization.objects.select_for_update(no_key=True, of=("self",))
        .filter(invite_code=invite_code, deleted_at=None)
        .filter(Q(invite_expires_at=None) | Q(invite_expires_at__gt=now))
        .filter(Q(invite_uses_left=None) | Q(invite_uses_left__gt=0))
        .first()
    )
    if organization is None:
        raise InvalidInput({"invite_code": NOT_GOOD})
    if Membership.objects.filter(organization=organization, user_id=actor.pk).exists():
        raise Conflict("You are a member of this organization already.")
    Membership.objects.create(organization=organization, user_id=actor.pk, role=Role.MEMBER)
    # Null minus one stays null: no limit.
    Organization.objects.filter(pk=organization.pk).update(invite_uses_left=F("invite_uses_left") - 1)
    record(actor, "organization.joined", organization)
    return organization
