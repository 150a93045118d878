from django.urls import include, path

from organizations.views import invites, me, members, tenants

urlpatterns = [
    path("me", me.Me.as_view(), name="me"),
    path("join-organization", invites.Join.as_view(), name="join-organization"),
    path("organizations", tenants.Organizations.as_view(), name="organizations"),
    path("organizations/<int:organization_id>", tenants.OneOrganization.as_view(), name="organization"),
    path(
        "organizations/<int:organization_id>/regenerate-invite",
        invites.RegenerateInvite.as_view(),
        name="regenerate-invite",
    ),
    path("organizations/<int:organization_id>/members", members.Members.as_view(), name="members"),
    path(
        "organizations/<int:organization_id>/members/<int:user_id>",
        members.OneMember.as_view(),
        name="member",
    ),
    path("", include("organizations.webhooks.urls")),
]
