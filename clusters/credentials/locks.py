"""Locks of registry credentials: after organizations, clusters and deployments, and held for a moment only."""

from accounts.errors import NotFound
from clusters.credentials.selectors import UNSEEN
from clusters.models import RegistryCredential

KEEP = """
SELECT credential.* FROM clusters_registrycredential AS credential
WHERE credential.id = %s AND credential.organization_id = %s AND credential.deleted_at IS NULL
FOR KEY SHARE
"""


def keep_credential(credential_id: int, *, organization_id: int) -> RegistryCredential | None:
    """The organization's credential as it is now, or None; nobody deletes it or changes its server meanwhile."""
    return next(iter(RegistryCredential.objects.raw(KEEP, [credential_id, organization_id])), None)


def lock_credential(credential_id: int) -> RegistryCredential:
    """The row, locked also against those who keep it. Raises NotFound for one that was deleted meanwhile."""
    locked: RegistryCredential | None = (
        RegistryCredential.objects.select_for_update(of=("self",))
        .filter(pk=credential_id, deleted_at=None)
        .first()
    )
    if locked is None:
        raise NotFound(UNSEEN)
    return locked
