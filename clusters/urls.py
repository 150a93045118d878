from django.urls import path

from clusters import views

urlpatterns = [
    path("clusters", views.Clusters.as_view(), name="clusters"),
    path("clusters/<int:cluster_id>", views.OneCluster.as_view(), name="cluster"),
]
