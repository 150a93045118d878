"""Views that need the planner."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, refuse_body
from deployments.serializers import DeploymentAnswer
from deployments.views import answer, changeable
from scheduling.services import start_deployment


class Start(APIView):
    @extend_schema(
        operation_id="start_deployment",
        tags=["deployments"],
        summary="Run a cycle now for a pending one; queue one that has ended anew",
        description="Never ahead of the queue, a pause, somebody's promised room, or what it waits for.",
        request=None,
        responses={200: DeploymentAnswer},
    )
    def post(self, request: SignedInRequest, deployment_id: int) -> Response:
        changeable(request, deployment_id)
        refuse_body(request)
        start_deployment(actor=request.user, deployment_id=deployment_id)
        return Response(answer(request, deployment_id))
