"""Certificates of evictions in the console."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import ago, link
from accounts.admin.filters import RowFilter
from accounts.admin.scope import sees_all, who_looks
from scheduling.certificate_answers import answers
from scheduling.models import EvictionCertificate


@admin.register(EvictionCertificate)
class EvictionCertificateAdmin(ReadOnlyAdmin):
    """Why a cycle evicted whom it evicted."""

    first_step = "Nobody was evicted yet. That takes a deployment that may preempt, and no room for it."

    list_display = ("when", "cluster_link", "policy", "victims", "lost")
    list_display_links = ("when",)
    list_filter = (("cluster", RowFilter), ("at", RangeDateTimeFilter))
    list_select_related = ("cluster",)
    search_fields = ("cluster__name",)
    fields = (("when", "cluster_link", "policy"), ("victims", "lost"), "figures")
    readonly_fields = ("when", "cluster_link", "lost", "figures")

    @display(description="when", ordering="id")
    def when(self, certificate: EvictionCertificate) -> Any:
        return ago(certificate.at)

    @display(description="cluster")
    def cluster_link(self, certificate: EvictionCertificate) -> Any:
        return link(certificate.cluster)

    @display(description="work lost", ordering="lost_seconds")
    def lost(self, certificate: EvictionCertificate) -> str:
        return f"{certificate.lost_seconds / 3600:.2f} device-hours"

    @display(description="numbers")
    def figures(self, certificate: EvictionCertificate) -> Any:
        user = who_looks()
        numbers = certificate.numbers
        if user is None or not sees_all(user):
            # Of another tenant's work on this cluster, amount and priority alone: as the API answers.
            (numbers,) = answers(user=user, rows=[vars(certificate)]) if user else ({},)
        return format_html(
            '<pre class="console-text">{}</pre>',
            "\n".join(f"{name}: {json.dumps(value, default=str)}" for name, value in numbers.items()),
        )
