"""Filters and orders of the lists of organizations and members."""

import django_filters

from accounts.filters import ChoicesFilter, ordering
from organizations.models import Membership, Organization, Role


class OrganizationFilter(django_filters.FilterSet):
    """`?name=lab&ordering=-created_at`."""

    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=200, help_text="Part of the name, in any case."
    )
    ordering = ordering("id", "name", "created_at")

    class Meta:
        model = Organization
        fields: list[str] = []


class MemberFilter(django_filters.FilterSet):
    """`?role=owner&role=admin&username=ali&ordering=-created_at`."""

    role = ChoicesFilter(choices=Role.choices)
    username = django_filters.CharFilter(
        field_name="user__username",
        lookup_expr="icontains",
        max_length=150,
        help_text="Part of the name, in any case.",
    )
    ordering = ordering("id", "user_id", "role", "created_at")

    class Meta:
        model = Membership
        fields: list[str] = []
