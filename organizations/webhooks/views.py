"""Webhooks over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, created, each, page, parse, refuse_body
from organizations import selectors as organization_selectors
from organizations.permissions import Action, require
from organizations.webhooks import selectors, services
from organizations.webhooks.examples import ASKED
from organizations.webhooks.filters import DeliveryFilter
from organizations.webhooks.serializers import (
    DeliveryAnswer,
    DeliveryDetail,
    NewWebhookAnswer,
    WebhookAnswer,
    WebhookBody,
)

TAGS = ["webhooks"]


def allowed(request: SignedInRequest, organization_id: int) -> None:
    """Raises NotFound unless the caller sees the organization, Forbidden unless they may manage its webhooks."""
    organization = organization_selectors.organization(user=request.user, organization_id=organization_id)
    require(organization.my_role, Action.MANAGE_WEBHOOKS)


def found(request: SignedInRequest, organization_id: int, webhook_id: int) -> dict[str, object]:
    """The webhook as the wire shows it, for who may manage it. Raises NotFound, Forbidden."""
    allowed(request, organization_id)
    return selectors.webhook_shown(user=request.user, organization_id=organization_id, webhook_id=webhook_id)


class Webhooks(APIView):
    @extend_schema(
        operation_id="list_webhooks",
        tags=TAGS,
        summary="Where the organization's events are sent",
        responses=WebhookAnswer(many=True),
    )
    def get(self, request: SignedInRequest, organization_id: int) -> Response:
        allowed(request, organization_id)
        rows = selectors.webhooks(user=request.user, organization_id=organization_id)
        return page(self, rows, each(dict))

    @extend_schema(
        operation_id="create_webhook",
        tags=TAGS,
        summary="Have events sent to an address",
        description="Each message is a POST of JSON with up to 100 events, signed with the secret that this answer "
        "shows once (the header scheme of Standard Webhooks). One that fails is tried again for about nine hours.",
        request=WebhookBody,
        responses={201: NewWebhookAnswer},
        examples=[OpenApiExample("what ends, and all of clusters", ASKED, request_only=True)],
    )
    def post(self, request: SignedInRequest, organization_id: int) -> Response:
        allowed(request, organization_id)
        body = parse(WebhookBody, request)
        made, secret = services.create_webhook(actor=request.user, organization_id=organization_id, **body)
        answer = found(request, organization_id, made.pk) | {"secret": secret}
        return created(answer, "webhook", organization_id, made.pk)


class OneWebhook(APIView):
    @extend_schema(operation_id="get_webhook", tags=TAGS, summary="One webhook", responses=WebhookAnswer)
    def get(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        return Response(found(request, organization_id, webhook_id))

    @extend_schema(
        operation_id="change_webhook",
        tags=TAGS,
        summary="Change what the body names; active: true switches it on again",
        request=WebhookBody(partial=True),
        responses=WebhookAnswer,
    )
    def patch(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        found(request, organization_id, webhook_id)
        changes = parse(WebhookBody, request, partial=True)
        services.change_webhook(actor=request.user, webhook_id=webhook_id, changes=changes)
        return Response(found(request, organization_id, webhook_id))

    @extend_schema(
        operation_id="put_webhook",
        tags=TAGS,
        summary="The same as PATCH",
        request=WebhookBody(partial=True),
        responses=WebhookAnswer,
    )
    def put(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        return self.patch(request, organization_id, webhook_id)

    @extend_schema(
        operation_id="delete_webhook",
        tags=TAGS,
        summary="Delete it; what was not sent yet never will be",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        found(request, organization_id, webhook_id)
        services.delete_webhook(actor=request.user, webhook_id=webhook_id)
        return Response(status=204)


class RotateSecret(APIView):
    @extend_schema(
        operation_id="rotate_webhook_secret",
        tags=TAGS,
        summary="Sign with a new secret",
        description="This answer alone shows it. For 24 hours messages are signed with the old one, too: "
        "`webhook-signature` then has both, with a space between them.",
        request=None,
        responses=NewWebhookAnswer,
    )
    def post(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        found(request, organization_id, webhook_id)
        refuse_body(request)
        secret = services.rotate_secret(actor=request.user, webhook_id=webhook_id)
        return Response(found(request, organization_id, webhook_id) | {"secret": secret})


class TestWebhook(APIView):
    @extend_schema(
        operation_id="test_webhook",
        tags=TAGS,
        summary="Send a test event now",
        description="Answers at once; the delivery tells what became of it.",
        request=None,
        responses={202: DeliveryDetail},
    )
    def post(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        found(request, organization_id, webhook_id)
        refuse_body(request)
        made = services.send_test(actor=request.user, webhook_id=webhook_id)
        return Response(selectors.delivery_shown(webhook_id=webhook_id, delivery_id=made.pk), status=202)


class Deliveries(APIView):
    filterset_class = DeliveryFilter

    @extend_schema(
        operation_id="list_deliveries",
        tags=TAGS,
        summary="What was sent, and what became of it",
        responses=DeliveryAnswer(many=True),
    )
    def get(self, request: SignedInRequest, organization_id: int, webhook_id: int) -> Response:
        found(request, organization_id, webhook_id)
        return page(self, selectors.deliveries(webhook_id=webhook_id), each(dict))


class OneDelivery(APIView):
    @extend_schema(
        operation_id="get_delivery",
        tags=TAGS,
        summary="One message, with its body",
        responses=DeliveryDetail,
    )
    def get(
        self, request: SignedInRequest, organization_id: int, webhook_id: int, delivery_id: int
    ) -> Response:
        found(request, organization_id, webhook_id)
        return Response(selectors.delivery_shown(webhook_id=webhook_id, delivery_id=delivery_id))


class Redeliver(APIView):
    @extend_schema(
        operation_id="redeliver",
        tags=TAGS,
        summary="Send the same message once more",
        description="As a new delivery under the same `webhook-id`, so that a receiver knows that it has it already.",
        request=None,
        responses={202: DeliveryDetail},
    )
    def post(
        self, request: SignedInRequest, organization_id: int, webhook_id: int, delivery_id: int
    ) -> Response:
        found(request, organization_id, webhook_id)
        refuse_body(request)
        made = services.redeliver(actor=request.user, webhook_id=webhook_id, delivery_id=delivery_id)
        return Response(selectors.delivery_shown(webhook_id=webhook_id, delivery_id=made.pk), status=202)
