"""Tenants, their members and roles, and the one way to rows that a request may see."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
