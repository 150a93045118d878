"""Organizations themselves."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, created, each, page, parse
from organizations import selectors, services
from organizations.filters import OrganizationFilter
from organizations.permissions import Action, require
from organizations.serializers import OrganizationAnswer, OrganizationBody


def answer(request: SignedInRequest, organization_id: int) -> dict[str, Any]:
    return selectors.organization_shown(user=request.user, organization_id=organization_id)


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
