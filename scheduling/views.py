"""Views that need the planner."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, refuse_body
from deployments.serializers import DeploymentAnswer
from deployments.views import answer, changeable
from scheduling.explanation_answer import answer as explanation_answer
from scheduling.explanation_serializers import ExplanationAnswer
from scheduling.explanations import explained
from scheduling.services import start_deployment
from scheduling.throttles import PlanThrottle


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


class Explain(APIView):
    throttle_classes = [PlanThrottle]

    @extend_schema(
        operation_id="explain_deployment",
        tags=["deployments"],
        summary="Why it waits, and what would let it start",
        description="Changes nothing. Each suggestion was planned on a copy of what the next cycle sees, by the "
        "code of the cycle. Other tenants' work appears as an amount and a priority. THROTTLE_PLAN counts it too.",
        responses=ExplanationAnswer,
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        found = explained(user=request.user, deployment_id=deployment_id)
        return Response(explanation_answer(found, timezone.now()))
