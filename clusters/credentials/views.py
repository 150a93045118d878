"""Registry credentials over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, created, each, page, parse
from clusters.credentials import selectors, services
from clusters.credentials.examples import ASKED
from clusters.credentials.filters import CredentialFilter
from clusters.credentials.serializers import CredentialAnswer, CredentialBody
from organizations import selectors as organization_selectors
from organizations.permissions import Action, require


def allowed(request: SignedInRequest, organization_id: int, action: Action) -> None:
    """Raises NotFound unless the caller sees the organization, Forbidden unless they may do this there."""
    organization = organization_selectors.organization(user=request.user, organization_id=organization_id)
    require(organization.my_role, action)


class Credentials(APIView):
    filterset_class = CredentialFilter

    @extend_schema(
        operation_id="list_registry_credentials",
        tags=["registry credentials"],
        summary="The organization's registry credentials, without their passwords",
        responses=CredentialAnswer(many=True),
    )
    def get(self, request: SignedInRequest, organization_id: int) -> Response:
        allowed(request, organization_id, Action.READ)
        rows = selectors.credentials(user=request.user, organization_id=organization_id)
        return page(self, rows, each(dict))

    @extend_schema(
        operation_id="create_registry_credential",
        tags=["registry credentials"],
        summary="Add a registry credential",
        description="Deployments of the organization name it by id where their image comes from its server.",
        request=CredentialBody,
        responses={201: CredentialAnswer},
        examples=[OpenApiExample("a token that may only pull", ASKED, request_only=True)],
    )
    def post(self, request: SignedInRequest, organization_id: int) -> Response:
        allowed(request, organization_id, Action.MANAGE_CREDENTIALS)
        body = parse(CredentialBody, request)
        made = services.create_credential(actor=request.user, organization_id=organization_id, **body)
        answer = selectors.credential_shown(
            user=request.user, organization_id=organization_id, credential_id=made.pk
        )
        return created(answer, "registry-credential", organization_id, made.pk)


class OneCredential(APIView):
    @extend_schema(
        operation_id="get_registry_credential",
        tags=["registry credentials"],
        summary="One registry credential, without its password",
        responses=CredentialAnswer,
    )
    def get(self, request: SignedInRequest, organization_id: int, credential_id: int) -> Response:
        allowed(request, organization_id, Action.READ)
        return Response(self.shown(request, organization_id, credential_id))

    @extend_schema(
        operation_id="change_registry_credential",
        tags=["registry credentials"],
        summary="Change what the body names",
        description="A new password holds for every pull from then on. The server stays while a pending or running "
        "deployment names the credential.",
        request=CredentialBody(partial=True),
        responses=CredentialAnswer,
    )
    def patch(self, request: SignedInRequest, organization_id: int, credential_id: int) -> Response:
        allowed(request, organization_id, Action.MANAGE_CREDENTIALS)
        self.shown(request, organization_id, credential_id)
        changes = parse(CredentialBody, request, partial=True)
        services.change_credential(actor=request.user, credential_id=credential_id, changes=changes)
        return Response(self.shown(request, organization_id, credential_id))

    @extend_schema(
        operation_id="put_registry_credential",
        tags=["registry credentials"],
        summary="The same as PATCH",
        request=CredentialBody(partial=True),
        responses=CredentialAnswer,
    )
    def put(self, request: SignedInRequest, organization_id: int, credential_id: int) -> Response:
        return self.patch(request, organization_id, credential_id)

    @extend_schema(
        operation_id="delete_registry_credential",
        tags=["registry credentials"],
        summary="Delete it; refused while a pending or running deployment names it",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, organization_id: int, credential_id: int) -> Response:
        allowed(request, organization_id, Action.MANAGE_CREDENTIALS)
        self.shown(request, organization_id, credential_id)
        services.delete_credential(actor=request.user, credential_id=credential_id)
        return Response(status=204)

    def shown(self, request: SignedInRequest, organization_id: int, credential_id: int) -> dict[str, object]:
        """The credential as the wire shows it. Raises NotFound."""
        return selectors.credential_shown(
            user=request.user, organization_id=organization_id, credential_id=credential_id
        )
