"""What happens to registry credentials: one function per verb."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, secrets
from accounts.errors import Conflict, InvalidInput
from accounts.models import User
from clusters.credentials.locks import lock_credential
from clusters.models import RegistryCredential
from clusters.runtimes.registry_hosts import canonical, why_no_server
from organizations.services import lock_organization

needed_by: list[Callable[[RegistryCredential], str | None]] = []
"""Higher apps add a function that answers who needs a credential as it is now, or None."""


def create_credential(
    *, actor: User, organization_id: int, name: str, server: str, username: str, password: str
) -> RegistryCredential:
    """A new credential; its password is encrypted and never shown again.

    Raises InvalidInput for a taken name and for what is no host or username, and NotFound for an organization that
    was deleted meanwhile.
    """
    fields = _checked({"name": name, "server": server, "username": username})
    try:
        with transaction.atomic():
            lock_organization(organization_id=organization_id)
            credential: RegistryCredential = RegistryCredential.objects.create(
                organization_id=organization_id, password=secrets.encrypt(password), **fields
            )
            _record(credential, "created", actor, {"new": fields})
    except IntegrityError as error:
        raise _name_taken(error, name) from error
    return credential


def change_credential(*, actor: User, credential_id: int, changes: Mapping[str, Any]) -> RegistryCredential:
    """Change what `changes` names; a new password holds for every pull from then on.

    Raises InvalidInput as `create_credential` does, Conflict for another server while deployments rely on this one,
    and NotFound for a credential that was deleted meanwhile.
    """
    wanted = _checked({field: value for field, value in changes.items() if field != "password"})
    try:
        with transaction.atomic():
            credential = lock_credential(credential_id)
            new = {field: value for field, value in wanted.items() if getattr(credential, field) != value}
            old = {field: getattr(credential, field) for field in new}
            if "server" in new:
                # Their images come from the old host: the new one's password must not be sent there.
                _refuse_needed(credential, "Its server cannot change now.")
            told: dict[str, Any] = {"old": old, "new": dict(new)}
            if "password" in changes:
                new["password"] = secrets.encrypt(changes["password"])
                told["password"] = "changed"  # noqa: S105 — says that it did, not what it is
            for field, value in new.items():
                setattr(credential, field, value)
            if new:
                credential.save(update_fields=[*new])
                _record(credential, "changed", actor, told)
    except IntegrityError as error:
        raise _name_taken(error, str(changes.get("name"))) from error
    return credential


@transaction.atomic
def delete_credential(*, actor: User, credential_id: int) -> None:
    """Hide it and forget its password. Raises Conflict while deployments need it, NotFound if somebody was quicker."""
    credential = lock_credential(credential_id)
    _refuse_needed(credential, "It cannot be deleted now.")
    credential.deleted_at, credential.password = timezone.now(), ""
    credential.save(update_fields=["deleted_at", "password"])
    _record(credential, "deleted", actor, {"name": credential.name, "server": credential.server})


def _checked(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with the server as we write it. Raises InvalidInput naming each that is wrong."""
    checked, wrong = dict(fields), dict[str, str]()
    if "server" in fields:
        if problem := why_no_server(fields["server"]):
            wrong["server"] = problem
        checked["server"] = canonical(fields["server"])
    if ":" in fields.get("username", ""):
        # RFC 7617: what follows the colon would become a part of the password.
        wrong["username"] = (
            "A username has no colon. Write the part before it; the password has its own field."
        )
    if wrong:
        raise InvalidInput(wrong)
    return checked


def _refuse_needed(credential: RegistryCredential, refusal: str) -> None:
    reasons = [reason for ask in needed_by if (reason := ask(credential))]
    if reasons:
        raise Conflict(
            " ".join([refusal, *reasons]), state="in use", allowed=["change name", "change password"]
        )


def _name_taken(error: IntegrityError, name: str) -> InvalidInput | IntegrityError:
    if "registry_credential_name_unique" in str(error):
        return InvalidInput(
            {
                "name": f"The organization has a registry credential named {name!r} already. Choose another name."
            }
        )
    return error


def _record(credential: RegistryCredential, verb: str, actor: User, detail: dict[str, Any]) -> None:
    audit.record(
        actor_id=actor.pk,
        action=f"registry_credential.{verb}",
        target=f"registrycredential:{credential.pk}",
        organization_id=credential.organization_id,
        detail=detail,
    )
