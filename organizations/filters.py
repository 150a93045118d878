"""Filters and orders of the list of organizations."""

import django_filters

from accounts.filters import ordering
from organizations.models import Organization


class OrganizationFilter(django_filters.FilterSet):
    """`?name=lab&ordering=-created_at`."""

    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=200, help_text="Part of the name, in any case."
    )
    ordering = ordering("id", "name", "created_at")

    class Meta:
        model = Organization
        fields: list[str] = []
