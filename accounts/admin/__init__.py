"""The console's pages of accounts, and (beside them) what the console's pages of all apps are made of."""

from accounts.admin import audit, users

__all__ = ["audit", "users"]
