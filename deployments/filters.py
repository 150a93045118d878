"""Filters and orders of the list of deployments."""

from typing import Any

import django_filters
from django import forms

from deployments.models import Deployment, Priority
from deployments.serializers import NAMES
from deployments.states import Status

ORDERS = ("id", "created_at", "queued_at", "name", "priority", "status")


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


class DeploymentFilter(django_filters.FilterSet):
    """`?status=pending&status=running&cluster_id=1&priority=HIGH&name=train&ordering=-priority`."""

    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    priority = PriorityFilter()
    cluster_id = django_filters.NumberFilter(field_name="cluster_id", min_value=1, max_value=2**63 - 1)
    organization_id = django_filters.NumberFilter(
        field_name="organization_id", min_value=1, max_value=2**63 - 1
    )
    created_by = django_filters.CharFilter(field_name="created_by__username", max_length=150)
    reason = django_filters.CharFilter(max_length=32)
    name = django_filters.CharFilter(lookup_expr="icontains", max_length=200)
    ordering = django_filters.OrderingFilter(fields=[(name, name) for name in ORDERS])

    class Meta:
        model = Deployment
        fields: list[str] = []
