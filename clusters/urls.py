from django.urls import path

from clusters import views
from clusters.credentials.views import Credentials, OneCredential

urlpatterns = [
    path("clusters", views.Clusters.as_view(), name="clusters"),
    path("clusters/<int:cluster_id>", views.OneCluster.as_view(), name="cluster"),
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
