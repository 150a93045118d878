"""Reporting that a run has saved its work, over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import Body, SignedInRequest, parse
from deployments.examples import CHECKPOINTED
from deployments.serializers import DeploymentAnswer
from deployments.services.checkpoints import report_checkpoint
from deployments.views import answer, changeable


class CheckpointBody(Body):
    at = serializers.DateTimeField(
        required=False,
        help_text="When the work was saved; not before the run's start, not in the future. Default: now.",
    )


class Checkpoint(APIView):
    @extend_schema(
        operation_id="report_checkpoint",
        tags=["deployments"],
        summary="Tell that its run has saved its work",
        description="While it is starting, running or stopping. A policy that spares work counts as lost only what was "
        "done since then. Report as often as you like: only a run's first report is an event.",
        request=CheckpointBody,
        responses={200: DeploymentAnswer},
        examples=[OpenApiExample("a quarter of an hour ago", CHECKPOINTED, request_only=True)],
    )
    def post(self, request: SignedInRequest, deployment_id: int) -> Response:
        changeable(request, deployment_id)
        at = parse(CheckpointBody, request).get("at")
        report_checkpoint(actor=request.user, deployment_id=deployment_id, at=at)
        return Response(answer(request, deployment_id))
