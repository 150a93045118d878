"""Reading registry credentials. No reader ever gets the password."""

from typing import Any

from django.db.models import QuerySet

from accounts.errors import NotFound
from accounts.models import User
from clusters.models import RegistryCredential

SHOWN = ("id", "name", "server", "username", "created_at")
UNSEEN = "There is no registry credential with this id in this organization. See the list of its credentials."


def credentials(*, user: User, organization_id: int) -> QuerySet[Any]:
    """Rows of an organization's credentials as the wire shows them, oldest first; none if the user cannot see it."""
    rows: QuerySet[Any] = (
        RegistryCredential.objects.visible_to(user)
        .filter(organization_id=organization_id)
        .order_by("id")
        .values(*SHOWN)
    )
    return rows


def credential_shown(*, user: User, organization_id: int, credential_id: int) -> dict[str, Any]:
    """One credential of the organization as the wire shows it. Raises NotFound."""
    row: dict[str, Any] | None = (
        credentials(user=user, organization_id=organization_id).filter(pk=credential_id).first()
    )
    if row is None:
        raise NotFound(UNSEEN)
    return row
