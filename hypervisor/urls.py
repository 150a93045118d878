"""Every path of the service. Trailing slashes are optional (see `hypervisor.middleware`)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from hypervisor import health, metrics
from hypervisor.openapi import only_our_files, openapi

handler400 = "hypervisor.problems.bad_request"
handler404 = "hypervisor.problems.page_not_found"
handler500 = "hypervisor.problems.server_error"

urlpatterns = [
    path("", RedirectView.as_view(url="/docs"), name="home"),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("docs", only_our_files(SpectacularSwaggerView.as_view(url_name="openapi")), name="docs"),
    path("redoc", only_our_files(SpectacularRedocView.as_view(url_name="openapi")), name="redoc"),
    path("openapi.json", openapi, name="openapi"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("", include("organizations.urls")),
    path("", include("clusters.urls")),
    path("", include("deployments.urls")),
    path("", include("scheduling.urls")),
]
