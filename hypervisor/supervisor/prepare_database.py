"""`python -m hypervisor.supervisor.prepare_database`: checks, migrates, and makes the first superuser.

A process of its own, so that the supervisor stays small and never imports Django. What it made it says as one
line of JSON, its last: `{"admin": NAME, "password": PASSWORD or null}`, or `{"admin": null}`.
"""

import json
import os
import secrets
import sys

PASSWORD_LENGTH = 16
_READABLE = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that look like another; a person will copy it from the terminal."""


def _new_password() -> str:
    return "".join(secrets.choice(_READABLE) for _ in range(PASSWORD_LENGTH))


def first_admin() -> dict[str, str | None]:
    """Makes the superuser if there is none yet: as DJANGO_SUPERUSER_* say, or `admin` with a new password."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return {"admin": None}
    name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    password = given or _new_password()
    users.create_superuser(
        username=name,
        email=os.environ.get("DJANGO_SUPERUSER_EMAIL") or "admin@localhost.localdomain",
        password=password,
    )
    return {"admin": name, "password": None if given else password}


def main() -> None:
    """Ends with an error, and Django's own words, when a setting is refused or a migration fails."""
    import django
    from django.core.management import CommandError, call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
    django.setup()
    try:
        call_command("check", stdout=sys.stderr)
        call_command("migrate", interactive=False, stdout=sys.stderr)
    except CommandError as refusal:  # the message is all that helps; SystemCheckError is one, too
        sys.exit(str(refusal))
    sys.stdout.write(json.dumps(first_admin()) + "\n")


if __name__ == "__main__":
    main()
