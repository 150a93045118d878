"""What belongs to one deployment: what it waits for, what waits for it, its runs, its story."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, each, page
from deployments import selectors
from deployments.filters import DeploymentFilter
from deployments.serializers import DeploymentAnswer, EventAnswer, RunAnswer


class Dependencies(APIView):
    filterset_class = DeploymentFilter

    @extend_schema(
        operation_id="list_dependencies",
        tags=["deployments"],
        summary="What it waits for",
        responses=DeploymentAnswer(many=True),
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        selectors.require_visible(user=request.user, deployment_id=deployment_id)
        rows = selectors.dependencies_shown(user=request.user, deployment_id=deployment_id)
        return page(self, rows, selectors.deployment_answers)


class Dependents(APIView):
    filterset_class = DeploymentFilter

    @extend_schema(
        operation_id="list_dependents",
        tags=["deployments"],
        summary="What waits for it",
        responses=DeploymentAnswer(many=True),
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        selectors.require_visible(user=request.user, deployment_id=deployment_id)
        rows = selectors.dependents_of(user=request.user, deployment_id=deployment_id)
        return page(self, rows, selectors.deployment_answers)


class Runs(APIView):
    @extend_schema(
        operation_id="list_runs",
        tags=["deployments"],
        summary="The attempts to run it",
        responses=RunAnswer(many=True),
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        selectors.require_visible(user=request.user, deployment_id=deployment_id)
        return page(self, selectors.runs_of(deployment_id=deployment_id), each(selectors.run_answer))


class Events(APIView):
    @extend_schema(
        operation_id="list_events",
        tags=["deployments"],
        summary="Its story",
        responses=EventAnswer(many=True),
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        selectors.require_visible(user=request.user, deployment_id=deployment_id)
        return page(self, selectors.events_of(deployment_id=deployment_id), each(selectors.event_answer))
