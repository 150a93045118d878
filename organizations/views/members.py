"""Who belongs to an organization."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, each, page, parse
from organizations import selectors, services
from organizations.filters import MemberFilter
from organizations.permissions import Action, require
from organizations.serializers import MemberAnswer, MemberBody


class Members(APIView):
    filterset_class = MemberFilter

    @extend_schema(
        operation_id="list_members",
        tags=["organizations"],
        summary="Who belongs to it, and as what",
        responses=MemberAnswer(many=True),
    )
    def get(self, request: SignedInRequest, organization_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.READ)
        return page(self, selectors.members(organization_id=organization.pk), each(selectors.member_answer))


class OneMember(APIView):
    @extend_schema(
        operation_id="get_member", tags=["organizations"], summary="One member", responses=MemberAnswer
    )
    def get(self, request: SignedInRequest, organization_id: int, user_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.READ)
        return Response(selectors.member(organization_id=organization.pk, user_id=user_id))

    @extend_schema(
        operation_id="change_member",
        tags=["organizations"],
        summary="Change a member's role; the last owner stays",
        request=MemberBody(partial=True),
        responses=MemberAnswer,
    )
    def patch(self, request: SignedInRequest, organization_id: int, user_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.MANAGE_MEMBERS)
        if body := parse(MemberBody, request, partial=True):
            services.change_role(actor=request.user, organization_id=organization.pk, user_id=user_id, **body)
        return Response(selectors.member(organization_id=organization.pk, user_id=user_id))

    @extend_schema(
        operation_id="put_member",
        tags=["organizations"],
        summary="The same as PATCH",
        request=MemberBody(partial=True),
        responses=MemberAnswer,
    )
    def put(self, request: SignedInRequest, organization_id: int, user_id: int) -> Response:
        return self.patch(request, organization_id, user_id)

    @extend_schema(
        operation_id="remove_member",
        tags=["organizations"],
        summary="Remove a member, or leave",
        description="With your own id you leave. The last owner stays. Deployments stay: they are the organization's. "
        "Removing somebody else replaces the invite code, which they know.",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, organization_id: int, user_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        services.remove_member(actor=request.user, organization_id=organization.pk, user_id=user_id)
        return Response(status=204)
