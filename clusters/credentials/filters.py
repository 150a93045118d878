"""Filters and orders of the list of registry credentials."""

import django_filters

from accounts.filters import ordering
from clusters.models import RegistryCredential


class CredentialFilter(django_filters.FilterSet):
    """`?name=prod&server=registry.example.com&ordering=-created_at`."""

    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=200, help_text="Part of the name, in any case."
    )
    server = django_filters.CharFilter(
        lookup_expr="iexact", max_length=255, help_text="The whole host, in any case."
    )
    ordering = ordering("id", "name", "server", "created_at")

    class Meta:
        model = RegistryCredential
        fields: list[str] = []
