"""Certificates of evictions in the console."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.display import ago, link
from scheduling.models import EvictionCertificate


@admin.register(EvictionCertificate)
class EvictionCertificateAdmin(ReadOnlyAdmin):
    """Why a cycle evicted whom it evicted."""

    list_display = ("when", "cluster_link", "policy", "victims", "lost")
    list_display_links = ("when",)
    list_filter = (("cluster", AutocompleteSelectFilter), ("at", RangeDateTimeFilter))
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
        return format_html(
            '<pre class="console-text">{}</pre>',
            "\n".join(f"{name}: {json.dumps(value)}" for name, value in certificate.numbers.items()),
        )
