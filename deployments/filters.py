"""Filters and orders of the list of deployments."""

from typing import Any

import django_filters
from django import forms

from accounts.filters import ChoicesFilter, IdFilter, ordering
from deployments.fields import NAMES
from deployments.models import Deployment, Priority
from deployments.states import Status


class PriorityForm(forms.Field):
    def clean(self, value: Any) -> Any:
        if not value:
            return None
        number = NAMES.get(str(value).upper(), value)
        if str(number) not in {str(choice) for choice in Priority.values}:
            raise forms.ValidationError("Write 1, 2, 3 or LOW, MEDIUM, HIGH.")
        return int(number)


class PriorityFilter(django_filters.Filter):
    field_class = PriorityForm
    openapi = {"type": "string", "enum": [*map(str, Priority.values), *Priority.labels]}


class DeploymentFilter(django_filters.FilterSet):
    """`?status=pending&status=running&cluster_id=1&priority=HIGH&name=train&ordering=-priority`."""

    status = ChoicesFilter(choices=Status.choices)
    priority = PriorityFilter()
    cluster_id = IdFilter()
    organization_id = IdFilter()
    created_by = django_filters.CharFilter(
        field_name="created_by__username", max_length=150, help_text="The username of who submitted it."
    )
    reason = django_filters.CharFilter(max_length=32)
    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=200, help_text="Part of the name, in any case."
    )
    ordering = ordering("id", "created_at", "queued_at", "name", "priority", "status")

    class Meta:
        model = Deployment
        fields: list[str] = []
