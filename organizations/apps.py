"""Tenants, their members and roles, and the one way to rows that a request may see."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "People"

    def ready(self) -> None:
        from accounts.models import role_in
        from organizations.tenancy import role_in_organization

        role_in[:] = [role_in_organization]
