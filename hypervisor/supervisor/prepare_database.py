"""`python -m hypervisor.supervisor.prepare_database`: migrates, and makes the first superuser.

A process of its own, so that the supervisor stays small and never imports Django. What it made it says as one
line of JSON, its last: `{"admin": NAME, "password": PASSWORD or null}`, or `{"admin": null}`.
"""

import json
import os
import secrets
import sys


def first_admin() -> dict[str, str | None]:
    """Makes the superuser if there is none yet: as DJANGO_SUPERUSER_* say, or `admin` with a new password."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return {"admin": None}
    name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    users.create_superuser(
        username=name,
        email=os.environ.get("DJANGO_SUPERUSER_EMAIL") or "admin@localhost.localdomain",
        password=password,
    )
    return {"admin": name, "password": None if given else password}


def main() -> None:
    """Ends with an error and Django's own words when a migration fails."""
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
    django.setup()
    call_command("migrate", interactive=False, stdout=sys.stderr)
    sys.stdout.write(json.dumps(first_admin()) + "\n")


if __name__ == "__main__":
    main()
