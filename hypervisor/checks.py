"""System checks that refuse to start with a setting that cannot be used."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from hypervisor import environment


@register()
def environment_is_usable(**_: Any) -> list[CheckMessage]:
    """One error per unusable variable, each saying what to write."""
    found: list[CheckMessage] = [
        Error(problem.message, hint=problem.hint, id=f"hypervisor.E001.{problem.variable}")
        for problem in environment.problems
    ]
    for position, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            found.append(
                Error(
                    f"Key {position} of ENCRYPTION_KEYS is not 32 url-safe base64 bytes.",
                    hint="Make one: python -c 'from cryptography.fernet import Fernet; "
                    "print(Fernet.generate_key().decode())'",
                    id="hypervisor.E001.ENCRYPTION_KEYS",
                )
            )
    return found


def refuse_wrong_environment() -> None:
    """Raise ImproperlyConfigured with every problem; for servers, which run no system checks of their own."""
    errors = [message for message in run_checks() if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(f"{error.msg} {error.hint or ''}" for error in errors))
