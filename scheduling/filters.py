"""Orders of the list of cycles."""

import django_filters

from accounts.filters import ordering
from scheduling.models import Cycle


class CycleFilter(django_filters.FilterSet):
    """`?ordering=-preempted`."""

    ordering = ordering("id", "at", "pending", "scheduled", "preempted", "unschedulable", "held")

    class Meta:
        model = Cycle
        fields: list[str] = []
