"""django-unfold's settings: title, colours, sidebar."""

import os
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def environment_label(request: HttpRequest) -> tuple[str, str] | None:
    """What an operator should not overlook: a debugging server, or databases that live in a folder."""
    from django.conf import settings

    if settings.DEBUG:
        return "Debug", "danger"
    return ("Embedded", "info") if os.environ.get("HYPERVISOR_EMBEDDED") else None


def sees_overview(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def stylesheet(request: HttpRequest) -> str:
    return static("console/console.css")


def live(request: HttpRequest) -> str:
    return static("console/live.js")


def labels(request: HttpRequest) -> str:
    return static("console/labels.js")


def favicon(request: HttpRequest) -> str:
    return static("console/favicon.svg")


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    def is_theirs(request: HttpRequest) -> bool:
        from django.apps import apps
        from django.contrib import admin

        page = admin.site.get_model_admin(apps.get_model(".".join(model.rsplit("_", 1))))
        return bool(page.has_view_permission(request))

    link = reverse_lazy(f"admin:{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": is_theirs}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "MLOps Hypervisor",
    "SITE_HEADER": "MLOps Hypervisor",
    "SITE_SUBHEADER": "Console",
    "SITE_SYMBOL": "memory",
    "SITE_URL": "/docs",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "ENVIRONMENT": "hypervisor.console.configuration.environment_label",
    "STYLES": [stylesheet],
    "SCRIPTS": [live, labels],
    "DASHBOARD_CALLBACK": "hypervisor.console.overview.overview",
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.0% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {
                "items": [
                    {
                        "title": "Overview",
                        "icon": "dashboard",
                        "link": reverse_lazy("admin:index"),
                        "permission": sees_overview,
                    }
                ]
            },
            {
                "title": "Work",
                "items": [
                    _item("Deployments", "deployed_code", "deployments_deployment"),
                    _item("Runs", "play_circle", "deployments_run"),
                    _item("Allocations", "pie_chart", "deployments_allocation"),
                    _item("Events", "timeline", "deployments_deploymentevent"),
                ],
            },
            {
                "title": "Capacity",
                "items": [
                    _item("Clusters", "dns", "clusters_cluster"),
                    _item("Cluster events", "history", "clusters_clusterevent"),
                    _item("Registry credentials", "vpn_key", "clusters_registrycredential"),
                ],
            },
            {
                "title": "Scheduler",
                "items": [
                    _item("Cycles", "cycle", "scheduling_cycle"),
                    _item("Evictions", "balance", "scheduling_evictioncertificate"),
                    _item("Simulations", "query_stats", "scheduling_simulation"),
                ],
            },
            {
                "title": "People",
                "items": [
                    _item("Organizations", "apartment", "organizations_organization"),
                    _item("Webhooks", "webhook", "organizations_webhook"),
                    _item("Webhook deliveries", "outgoing_mail", "organizations_webhookdelivery"),
                    _item("Users", "person", "accounts_user"),
                    _item("Sign-ins", "key", "accounts_refreshfamily"),
                    _item("Audit log", "receipt_long", "accounts_auditentry"),
                ],
            },
            {
                "title": "Clockwork",
                "collapsible": True,
                "items": [
                    _item("Beat's tasks", "schedule", "django_celery_beat_periodictask"),
                    _item("Intervals", "timer", "django_celery_beat_intervalschedule"),
                    _item("Crontabs", "calendar_month", "django_celery_beat_crontabschedule"),
                    _item("Clocked times", "alarm", "django_celery_beat_clockedschedule"),
                    _item("Seeded intervals", "eco", "scheduling_seededinterval"),
                ],
            },
        ],
    },
}
