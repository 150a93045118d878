"""What persons do with their account: one function per verb, each its own transaction."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, sessions
from accounts.errors import InvalidInput, NotFound, NotSignedIn
from accounts.models import RefreshFamily, User
from accounts.tokens import TokenPair, issue

WRONG = "Username or password is wrong. Try again, or register at /register."
NAME_TAKEN = ("username", "This username is taken. Choose another one.")
EMAIL_TAKEN = ("email", "This e-mail address belongs to an account already. Sign in, or use another.")
TAKEN = {
    "username_unique_whatever_case": NAME_TAKEN,
    "accounts_user_username_key": NAME_TAKEN,
    "email_unique_whatever_case": EMAIL_TAKEN,
}


def register(*, username: str, password: str, email: str | None = None) -> User:
    """A new user. Raises InvalidInput naming username, e-mail or password."""
    user = User(username=User.normalize_username(username), email=User.objects.normalize_email(email))
    _validated(lambda: user.clean_fields(exclude=["password"]))
    _check_password(password, user, "password")
    user.set_password(password)
    with transaction.atomic():
        _saved(user)
        _record("account.registered", actor_id=user.pk, user_id=user.pk)
    return user


def sign_in(*, username: str, password: str, request: HttpRequest) -> TokenPair:
    """Tokens for a username and its password. Raises NotSignedIn, alike for unknown, wrong and deactivated.

    The hasher runs in each of these cases, so that time does not tell them apart either.
    """
    # The model backend itself, not `authenticate`: the console's lock-out must not count the API's failures.
    user = ModelBackend().authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise NotSignedIn(WRONG)
    with transaction.atomic():
        user = _still_proved(user)
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        _record("session.started", actor_id=user.pk, user_id=user.pk)
        return issue(user=user)


def _still_proved(user: User) -> User:
    """The user as stored now, locked. Raises NotSignedIn if the password that was proved is not theirs any more.

    The backend may just have hashed it anew, by today's parameters, and so have raised the session version.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    stored = unchanged.select_for_update(no_key=True).first()
    if stored is None:
        raise NotSignedIn(WRONG)
    return stored


@transaction.atomic
def change_profile(*, user: User, username: str | None = None, email: Any = ...) -> User:
    """Rename, or set or clear (None) the e-mail. Raises InvalidInput."""
    user = _locked(user.pk)
    old = {"username": user.username, "email": user.email}
    if username is not None:
        user.username = User.normalize_username(username)
    if email is not ...:
        user.email = User.objects.normalize_email(email)
    changed = [field for field, value in old.items() if getattr(user, field) != value]
    if changed:
        _validated(lambda: user.clean_fields(exclude=["password"]))
        _saved(user, update_fields=changed)
        _record("account.changed", actor_id=user.pk, user_id=user.pk, fields=changed)
    return user


@transaction.atomic
def change_password(*, user: User, current_password: str, new_password: str) -> None:
    """Set a new password and end every session of the user. Raises InvalidInput."""
    user = _locked(user.pk)
    if not user.check_password(current_password):
        raise InvalidInput({"current_password": "This is not your current password."})
    _check_password(new_password, user, "new_password")
    user.set_password(new_password)
    user.save(update_fields=["password"])
    end_sessions(user_id=user.pk)
    _record("account.password_changed", actor_id=user.pk, user_id=user.pk)


def end_sessions(*, user_id: int) -> None:
    """Every token of the user is worthless from the next request on. Call it inside a transaction."""
    User.objects.filter(pk=user_id).update(session_version=F("session_version") + 1)
    RefreshFamily.objects.filter(user_id=user_id).delete()
    sessions.changed(user_id)


def _locked(user_id: int) -> User:
    # Not plain FOR UPDATE: that would block everybody who writes a row that points to this user.
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user any more.")
    return user


def _saved(user: User, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=update_fields)
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        taken = TAKEN.get(getattr(diagnosis, "constraint_name", None) or "")
        if taken is None:
            raise
        raise InvalidInput(dict([taken])) from error


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


def _record(action: str, *, actor_id: int, user_id: int, **detail: object) -> None:
    audit.record(actor_id=actor_id, action=action, target=f"user:{user_id}", detail=dict(detail))
