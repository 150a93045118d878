"""Users, tokens and the audit log of what persons did."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Tell each new database connection how our own reads are planned."""
        from accounts.reading import plan_once

        connection_created.connect(plan_once)
