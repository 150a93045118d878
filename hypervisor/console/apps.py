"""Puts our site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default_site = "hypervisor.console.site.ConsoleSite"
