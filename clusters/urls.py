from django.urls import path

from clusters import engine_views, views

urlpatterns = [
    path("clusters", views.Clusters.as_view(), name="clusters"),
    path("clusters/<int:cluster_id>", views.OneCluster.as_view(), name="cluster"),
    path("clusters/<int:cluster_id>/check", engine_views.Check.as_view(), name="check_cluster"),
]
