from django.urls import path

from deployments import (
    batch_views,
    checkpoint_views,
    cluster_views,
    event_views,
    log_views,
    related_views,
    views,
)

ONE = "deployments/<int:deployment_id>"
urlpatterns = [
    path("clusters/<int:cluster_id>/declare-lost", cluster_views.DeclareLost.as_view(), name="declare_lost"),
    path("events", event_views.Watch.as_view(), name="watch"),
    path("deployments/bulk", batch_views.Batch.as_view(), name="batch"),
    path("deployments", views.Deployments.as_view(), name="deployments"),
    path(ONE, views.OneDeployment.as_view(), name="deployment"),
    path(f"{ONE}/stop", views.Stop.as_view(), name="stop"),
    path(f"{ONE}/checkpoint", checkpoint_views.Checkpoint.as_view(), name="checkpoint"),
    path(f"{ONE}/cancel", views.Cancel.as_view(), name="cancel"),
    path(f"{ONE}/dependencies", related_views.Dependencies.as_view(), name="dependencies"),
    path(f"{ONE}/dependents", related_views.Dependents.as_view(), name="dependents"),
    path(f"{ONE}/runs", related_views.Runs.as_view(), name="runs"),
    path(f"{ONE}/events", related_views.Events.as_view(), name="events"),
    path(f"{ONE}/logs", log_views.Logs.as_view(), name="logs"),
]
