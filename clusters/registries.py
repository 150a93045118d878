"""What workers ask before an engine pulls a private image. Only they call this: it decrypts."""

from accounts import secrets
from clusters.models import RegistryCredential
from clusters.runtimes.base import Cause, RegistryLogin, RuntimeFailure


def login_of(credential_id: int | None) -> RegistryLogin | None:
    """What the engine signs in with; None where no credential is named.

    Raises a permanent RuntimeFailure, in words for the deployment's user, for one that is gone or cannot be read.
    """
    if credential_id is None:
        return None
    found: RegistryCredential | None = RegistryCredential.objects.filter(pk=credential_id).first()
    if found is None or found.deleted_at:
        raise _unusable("Its registry credential was deleted. Name another one, or none.")
    try:
        password = secrets.decrypt(found.password)
    except secrets.UnreadableSecret as failure:
        raise _unusable(
            f"The password of registry credential {found.name!r} cannot be read. Write it anew, or ask the operator "
            "to put the key that it was encrypted with back into ENCRYPTION_KEYS."
        ) from failure
    return RegistryLogin(server=found.server, username=found.username, password=str(password))


def _unusable(text: str) -> RuntimeFailure:
    return RuntimeFailure(text, permanent=True, cause=Cause.IMAGE_PULL_DENIED)
