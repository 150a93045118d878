"""What persons do with their account: one function per verb, each its own transaction."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest

from accounts import audit, sessions
from accounts.errors import InvalidInput, NotSignedIn
from accounts.models import User
from accounts.tokens import TokenPair, issue

TAKEN = {
    "username_unique_whatever_case": ("username", "This username is taken. Choose another one."),
    "accounts_user_username_key": ("username", "This username is taken. Choose another one."),
    "email_unique_whatever_case": (
        "email",
        "This e-mail address belongs to an account already. Sign in, or use another.",
    ),
}


@transaction.atomic
def register(*, username: str, password: str, email: str | None = None) -> User:
    """A new user. Raises InvalidInput naming username, e-mail or password."""
    user = User(username=User.normalize_username(username), email=User.objects.normalize_email(email))
    _validated(lambda: user.clean_fields(exclude=["password"]))
    _check_password(password, user, "password")
    user.set_password(password)
    _saved(user)
    audit.record(actor_id=user.pk, action="account.registered", target=f"user:{user.pk}")
    return user


def sign_in(*, username: str, password: str, request: HttpRequest) -> TokenPair:
    """Tokens for a username and its password. Raises NotSignedIn, alike for unknown, wrong and deactivated."""
    # The model backend itself, not `authenticate`: the console's lock-out must not count the API's failures.
    user = ModelBackend().authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise NotSignedIn("Username or password is wrong.")
    return issue(user=user)


@transaction.atomic
def change_profile(*, user: User, username: str | None = None, email: Any = ...) -> User:
    """Rename, or set or clear (None) the e-mail. Raises InvalidInput."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if username is not None:
        user.username = User.normalize_username(username)
    if email is not ...:
        user.email = User.objects.normalize_email(email)
    _validated(lambda: user.clean_fields(exclude=["password"]))
    _saved(user)
    audit.record(actor_id=user.pk, action="account.changed", target=f"user:{user.pk}")
    sessions.changed(user.pk)
    return user


@transaction.atomic
def change_password(*, user: User, current_password: str, new_password: str) -> None:
    """Set a new password and end every session of the user. Raises InvalidInput."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.check_password(current_password):
        raise InvalidInput({"current_password": "This is not your current password."})
    _check_password(new_password, user, "new_password")
    user.set_password(new_password)
    user.save(update_fields=["password"])
    end_sessions(user_id=user.pk)
    audit.record(actor_id=user.pk, action="account.password_changed", target=f"user:{user.pk}")


def end_sessions(*, user_id: int) -> None:
    """Every token of the user is worthless from the next request on. Call it inside a transaction."""
    User.objects.filter(pk=user_id).update(session_version=F("session_version") + 1)
    sessions.changed(user_id)


def _saved(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        for constraint, (field, message) in TAKEN.items():
            if constraint in str(error):
                raise InvalidInput({field: message}) from error
        raise


def _check_password(password: str, user: User, field: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput({field: " ".join(error.messages)}) from error


def _validated(call: Callable[[], None]) -> None:
    try:
        call()
    except ValidationError as error:
        raise InvalidInput(
            {field: " ".join(map(str, texts)) for field, texts in error.message_dict.items()}
        ) from error
