from django.urls import path

from clusters import engine_views, views
from clusters.credentials.views import Credentials, OneCredential
from clusters.sharing.views import Shares

urlpatterns = [
    path("clusters", views.Clusters.as_view(), name="clusters"),
    path("clusters/<int:cluster_id>", views.OneCluster.as_view(), name="cluster"),
    path("clusters/<int:cluster_id>/check", engine_views.Check.as_view(), name="check_cluster"),
    path("clusters/<int:cluster_id>/shares", Shares.as_view(), name="shares"),
    path(
        "organizations/<int:organization_id>/registry-credentials",
        Credentials.as_view(),
        name="registry-credentials",
    ),
    path(
        "organizations/<int:organization_id>/registry-credentials/<int:credential_id>",
        OneCredential.as_view(),
        name="registry-credential",
    ),
]
