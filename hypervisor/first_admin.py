"""The first superuser of an installation, as DJANGO_SUPERUSER_* say."""

import os
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError


class AdminRefused(Exception):
    """What is wrong with the name, address or password that was given, and how to say it better."""


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Who was made."""

    name: str
    password: str


def make_first_admin(*, invented_password: str = "") -> FirstAdmin | None:
    """Make a superuser, unless there is one already: `admin`, or DJANGO_SUPERUSER_USERNAME and so on.

    Without DJANGO_SUPERUSER_PASSWORD it gets `invented_password`, and without that one nobody is made: answers
    None. Raises AdminRefused for a taken or impossible name or address, and for a password that is easily guessed.
    """
    accounts = get_user_model()
    users = accounts._default_manager
    name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    email = os.environ.get("DJANGO_SUPERUSER_EMAIL") or "admin@localhost.localdomain"
    password = os.environ.get("DJANGO_SUPERUSER_PASSWORD") or invented_password
    if not password or users.filter(is_superuser=True).exists():
        return None
    admin = accounts(username=name, email=email)
    try:
        admin.full_clean(exclude={"password"})
        validate_password(password, admin)
    except ValidationError as error:
        raise AdminRefused(
            f"The first admin {name!r} cannot be made: {' '.join(error.messages)} Set another "
            "DJANGO_SUPERUSER_USERNAME, DJANGO_SUPERUSER_EMAIL or DJANGO_SUPERUSER_PASSWORD."
        ) from error
    users.create_superuser(username=name, email=email, password=password)
    return FirstAdmin(name=name, password=password)
