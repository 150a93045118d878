"""What happens to organizations themselves: one function per verb."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import Conflict, NotFound
from accounts.models import User
from organizations.models import Membership, Organization, Role, new_invite_code
from organizations.selectors import UNSEEN

deletion_vetoes: list[Callable[[int], str | None]] = []
"""Higher apps add a function that answers why an organization may not be deleted now, or None."""


@transaction.atomic
def create_organization(*, actor: User, name: str) -> Organization:
    """A new tenant, owned by its creator."""
    organization: Organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user_id=actor.pk, role=Role.OWNER)
    record(actor, "organization.created", organization, name=name)
    return organization


@transaction.atomic
def rename_organization(*, actor: User, organization: Organization, name: str) -> None:
    """Give it another name."""
    locked = lock_organization(organization_id=organization.pk)
    if locked.name != name:
        Organization.objects.filter(pk=locked.pk).update(name=name)
        record(actor, "organization.renamed", locked, old=locked.name, new=name)


@transaction.atomic
def delete_organization(*, actor: User, organization: Organization) -> None:
    """Hide it from everybody. Raises Conflict while anything of it runs."""
    # Stronger than others need it: who adds something to it has finished, and nobody adds anything meanwhile.
    locked = lock_organization(organization_id=organization.pk, against_additions=True)
    for veto in deletion_vetoes:
        if reason := veto(locked.pk):
            raise Conflict(reason)
    Organization.objects.filter(pk=locked.pk).update(deleted_at=timezone.now(), invite_code=new_invite_code())
    record(actor, "organization.deleted", locked)


def lock_organization(*, organization_id: int, against_additions: bool = False) -> Organization:
    """Serialize with others who change members, deletion or dependencies. Take it before any cluster's lock.

    Raises NotFound for one that was deleted meanwhile.
    """
    locked: Organization | None = (
        Organization.objects.select_for_update(no_key=not against_additions, of=("self",))
        .filter(pk=organization_id, deleted_at=None)
        .first()
    )
    if locked is None:
        raise NotFound(UNSEEN)
    return locked


def record(actor: User, action: str, organization: Organization, **detail: object) -> None:
    """One line of the audit log about an organization."""
    audit.record(
        actor_id=actor.pk,
        action=action,
        target=f"organization:{organization.pk}",
        organization_id=organization.pk,
        detail=dict(detail),
    )
