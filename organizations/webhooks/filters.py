"""Filters and orders of the lists of webhooks and their deliveries."""

from typing import Any

import django_filters

from accounts.filters import ChoicesFilter, ordering
from organizations.webhooks.models import DeliveryState, WebhookDelivery


class DeliveryFilter(django_filters.FilterSet):
    """`?state=failed&ordering=created_at`."""

    state = ChoicesFilter(choices=DeliveryState.choices)
    ordering = ordering("id", "created_at")

    class Meta:
        model = WebhookDelivery
        fields: list[Any] = []
