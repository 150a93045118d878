"""Who may sign in, their refresh tokens, and the record of what persons did."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Lower


class AccountManager(UserManager["User"]):
    """Stores a missing e-mail as null, since the column is unique."""

    @classmethod
    def normalize_email(cls, email: str | None) -> Any:
        return super().normalize_email(email) or None

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this name, in whatever case and Unicode form it is written."""
        folded = Lower(models.Value(User.normalize_username(username or "")))
        return self.alias(folded=Lower("username")).get(folded=folded)


class User(AbstractUser):
    """A person. `session_version` is part of every token: raising it ends all sessions at once.

    A trigger raises it whenever the password or `is_active` changes, by whatever road (see the migrations).
    """

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail", null=True, blank=True, max_length=254)  # type: ignore[assignment]
    session_version = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[AccountManager] = AccountManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="username_unique_whatever_case"),
            models.UniqueConstraint(Lower("email"), name="email_unique_whatever_case"),
        ]

    def clean(self) -> None:
        super().clean()
        self.email = self.email or None

    def save(self, *args: Any, **options: Any) -> None:
        """Saves, and tells the session cache: also for the console, `changepassword` and the shell."""
        from accounts import sessions

        super().save(*args, **options)
        sessions.changed(self.pk)

    def get_full_name(self) -> str:
        return self.username

    def get_short_name(self) -> str:
        return self.username


class RefreshFamily(models.Model):
    """The chain of refresh tokens that began with one sign-in. Only the newest, `current_jti`, is good."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    current_jti = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "refresh families"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.id}"


class Channel(models.TextChoices):
    """The door through which a person came."""

    API = "api", "API"
    CONSOLE = "console", "console"


class AuditQuerySet(models.QuerySet[Any]):
    """Lines of the audit log, which are seen by members of the organization that they are about."""

    def visible_to(self, user: Any) -> Self:
        """Each with `my_role`; none for anybody anonymous, and none that is about no organization."""
        if not user.is_authenticated or not role_in:
            return self.none()
        (role,) = role_in
        return self.annotate(my_role=role(user, OuterRef("organization_id"))).filter(my_role__isnull=False)


role_in: list[Callable[[Any, OuterRef], Subquery]] = []
"""The app of organizations adds the query of what a user is in one of them, null for who is no member."""


class AuditEntry(models.Model):
    """One thing that a person did. Append-only; a deleted user's lines stay."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    # An index below begins with it.
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=128, blank=True, db_index=True)
    organization_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    channel = models.CharField(max_length=16, choices=Channel.choices, blank=True, default="", db_default="")
    """Empty: neither, or written before this was kept."""

    objects: ClassVar[Any] = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(F("actor"), F("id").desc(), name="audit_of_an_actor"),
            models.Index(fields=["action"], name="audit_by_action"),
            models.Index(fields=["address"], name="audit_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.target}"
