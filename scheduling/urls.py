from django.urls import path

from scheduling import views

urlpatterns = [
    path("deployments/<int:deployment_id>/start", views.Start.as_view(), name="start"),
]
