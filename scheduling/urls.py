from django.urls import path

from scheduling import cluster_views, policy_views, views

urlpatterns = [
    path("clusters/<int:cluster_id>/certificates", cluster_views.Certificates.as_view(), name="certificates"),
    path("clusters/<int:cluster_id>/cycles", cluster_views.Cycles.as_view(), name="cycles"),
    path("clusters/<int:cluster_id>/plan", cluster_views.Plan.as_view(), name="plan"),
    path("clusters/<int:cluster_id>/policy", policy_views.ClusterPolicy.as_view(), name="policy"),
    path("deployments/<int:deployment_id>/explain", views.Explain.as_view(), name="explain"),
    path("deployments/<int:deployment_id>/start", views.Start.as_view(), name="start"),
]
