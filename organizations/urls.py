from django.urls import path

from organizations import views

urlpatterns = [
    path("me", views.Me.as_view(), name="me"),
    path("join-organization", views.Join.as_view(), name="join-organization"),
    path("organizations", views.Organizations.as_view(), name="organizations"),
    path("organizations/<int:organization_id>", views.OneOrganization.as_view(), name="organization"),
    path(
        "organizations/<int:organization_id>/regenerate-invite",
        views.RegenerateInvite.as_view(),
        name="regenerate-invite",
    ),
]
