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
    from hypervisor.first_admin import make_first_admin

    invented = _new_password()
    admin = make_first_admin(invented_password=invented)
    if admin is None:
        return {"admin": None}
    return {"admin": admin.name, "password": admin.password if admin.password == invented else None}


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
