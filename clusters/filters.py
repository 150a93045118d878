"""Filters and orders of the list of clusters."""

from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet

from accounts.filters import ChoicesFilter, FlagFilter, IdFilter, ordering
from clusters.models import Cluster, ClusterState

UNREACHABLE = Q(unreachable_since__isnull=False)
PAUSED = Q(paused=True) & ~UNREACHABLE
TOO_FULL = (
    Q(allocated_ram__gt=F("total_ram"))
    | Q(allocated_cpu__gt=F("total_cpu"))
    | Q(allocated_gpu__gt=F("total_gpu"))
)
IN_STATE = {
    ClusterState.UNREACHABLE: UNREACHABLE,
    ClusterState.PAUSED: PAUSED,
    ClusterState.OVERCOMMITTED: TOO_FULL & ~PAUSED & ~UNREACHABLE,
    ClusterState.READY: ~TOO_FULL & ~PAUSED & ~UNREACHABLE,
}
"""`clusters.models.state_of` in SQL; a test holds them together."""


class ClusterFilter(django_filters.FilterSet):
    """`?name=lab&organization_id=1&state=ready&paused=false&ordering=-created_at`."""

    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=200, help_text="Part of the name, in any case."
    )
    organization_id = IdFilter()
    state = ChoicesFilter(choices=ClusterState.choices, method="in_states")
    paused = FlagFilter()
    ordering = ordering("id", "name", "created_at")

    class Meta:
        model = Cluster
        fields: list[str] = []

    def in_states(self, rows: QuerySet[Any], name: str, states: list[str]) -> QuerySet[Any]:
        """Clusters in any of these states; none asked for means all."""
        wanted = Q()
        for state in states:
            wanted |= IN_STATE[ClusterState(state)]
        return rows.filter(wanted)
