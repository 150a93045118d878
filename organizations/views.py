"""Organizations, invites and `/me`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors as account_selectors
from accounts import services as account_services
from accounts.wire import SignedInRequest, created, each, page, parse
from organizations import selectors, services
from organizations.filters import OrganizationFilter
from organizations.permissions import Action, require
from organizations.serializers import (
    InviteBody,
    JoinBody,
    MeAnswer,
    MeBody,
    OrganizationAnswer,
    OrganizationBody,
)


def answer(request: SignedInRequest, organization_id: int) -> dict[str, Any]:
    return selectors.organization_shown(user=request.user, organization_id=organization_id)


class Me(APIView):
    @extend_schema(operation_id="me", tags=["accounts"], summary="Who am I, and where", responses=MeAnswer)
    def get(self, request: SignedInRequest) -> Response:
        profile = account_selectors.profile(user_id=request.user.pk)
        return Response(profile | {"organizations": selectors.my_organizations(user_id=request.user.pk)})

    @extend_schema(
        operation_id="change_me",
        tags=["accounts"],
        summary="Change your name or e-mail",
        request=MeBody,
        responses=MeAnswer,
    )
    def patch(self, request: SignedInRequest) -> Response:
        account_services.change_profile(user=request.user, **parse(MeBody, request))
        return self.get(request)


class Join(APIView):
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
        return Response(answer(request, organization.pk))


class Organizations(APIView):
    filterset_class = OrganizationFilter

    @extend_schema(
        operation_id="list_organizations",
        tags=["organizations"],
        summary="Your organizations",
        responses=OrganizationAnswer(many=True),
    )
    def get(self, request: SignedInRequest) -> Response:
        return page(self, selectors.organizations(user=request.user), each(selectors.organization_answer))

    @extend_schema(
        operation_id="create_organization",
        tags=["organizations"],
        summary="Create an organization; you own it",
        request=OrganizationBody,
        responses={201: OrganizationAnswer},
        examples=[OpenApiExample("a laboratory", {"name": "Vision lab"}, request_only=True)],
    )
    def post(self, request: SignedInRequest) -> Response:
        organization = services.create_organization(actor=request.user, **parse(OrganizationBody, request))
        return created(answer(request, organization.pk), "organization", organization.pk)


class OneOrganization(APIView):
    @extend_schema(
        operation_id="get_organization",
        tags=["organizations"],
        summary="One organization",
        responses=OrganizationAnswer,
    )
    def get(self, request: SignedInRequest, organization_id: int) -> Response:
        return Response(answer(request, organization_id))

    @extend_schema(
        operation_id="rename_organization",
        tags=["organizations"],
        summary="Rename it",
        request=OrganizationBody(partial=True),
        responses=OrganizationAnswer,
    )
    def patch(self, request: SignedInRequest, organization_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.RENAME)
        if body := parse(OrganizationBody, request, partial=True):
            services.rename_organization(actor=request.user, organization=organization, **body)
        return Response(answer(request, organization_id))

    @extend_schema(
        operation_id="put_organization",
        tags=["organizations"],
        summary="Rename it",
        request=OrganizationBody(partial=True),
        responses=OrganizationAnswer,
    )
    def put(self, request: SignedInRequest, organization_id: int) -> Response:
        return self.patch(request, organization_id)

    @extend_schema(
        operation_id="delete_organization",
        tags=["organizations"],
        summary="Delete it; refused while anything of it runs",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, organization_id: int) -> Response:
        organization = selectors.organization(user=request.user, organization_id=organization_id)
        require(organization.my_role, Action.DELETE)
        services.delete_organization(actor=request.user, organization=organization)
        return Response(status=204)


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
        return Response(answer(request, organization_id))
