"""The console's pages of organizations, and what roles allow on the pages of all that belongs to one."""

from organizations.admin import organization

__all__ = ["organization"]
