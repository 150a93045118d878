"""The way in: invite codes."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.throttles import JoinThrottle
from accounts.wire import SignedInRequest, parse
from organizations import selectors, services
from organizations.permissions import Action, require
from organizations.serializers import InviteBody, JoinBody, OrganizationAnswer


class Join(APIView):
    throttle_classes = [JoinThrottle]

    @extend_schema(
        operation_id="join_organization",
        tags=["organizations"],
        summary="Join with an invite code",
        request=JoinBody,
        responses={200: OrganizationAnswer},
        examples=[
            OpenApiExample("a code", {"invite_code": "nq0F1g6bT0sWc1m3Zs0Cq8X2yU5kLr7d"}, request_only=True)
        ],
    )
    def post(self, request: SignedInRequest) -> Response:
        organization = services.join_organization(actor=request.user, **parse(JoinBody, request))
        return Response(selectors.organization_shown(user=request.user, organization_id=organization.pk))


class RegenerateInvite(APIView):
    @extend_schema(
        operation_id="regenerate_invite",
        tags=["organizations"],
        summary="A new invite code; the old one dies at once",
        request=InviteBody,
        responses={200: OrganizationAnswer},
    )
    def post(self, request: SignedInRequest, organization_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.INVITE)
        services.regenerate_invite(
            actor=request.user, organization=organization, **parse(InviteBody, request)
        )
        return Response(selectors.organization_shown(user=request.user, organization_id=organization_id))
