"""What the scheduler did with a cluster, and what it would do next, over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, page, parse
from clusters import selectors as cluster_selectors
from scheduling import selectors
from scheduling.certificate_answers import answers
from scheduling.examples import SUPPOSED
from scheduling.filters import CycleFilter
from scheduling.plans import next_cycle
from scheduling.serializers import CertificateAnswer, CycleAnswer, PlanAnswer, PlanBody
from scheduling.throttles import PlanThrottle


class Cycles(APIView):
    filterset_class = CycleFilter

    @extend_schema(
        operation_id="list_cycles",
        tags=["clusters"],
        summary="What each cycle saw and did, newest first",
        description="A cycle that changed nothing is not there.",
        responses=CycleAnswer(many=True),
    )
    def get(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
        return page(self, selectors.cycles_of(cluster_id=cluster_id), list)


class Certificates(APIView):
    @extend_schema(
        operation_id="list_certificates",
        tags=["clusters"],
        summary="Why each eviction was needed, in numbers, newest first",
        description="One for each cycle that evicted. Each was checked, by code that shares nothing with the planner, "
        "before anybody was told to stop. Other tenants' deployments appear as an amount and a priority.",
        responses=CertificateAnswer(many=True),
    )
    def get(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
        rows = selectors.certificates_of(cluster_id=cluster_id)
        return page(self, rows, lambda found: answers(user=request.user, rows=found))


class Plan(APIView):
    throttle_classes = [PlanThrottle]

    @extend_schema(
        operation_id="plan_cluster",
        tags=["clusters"],
        summary="What its next cycle would do, also with deployments that you suppose",
        description="Changes nothing. True as long as nothing changes on the cluster. Other tenants' deployments "
        "appear as an amount and a priority.",
        request=PlanBody,
        responses={200: PlanAnswer},
        examples=[OpenApiExample("would this one preempt?", SUPPOSED, request_only=True)],
    )
    def post(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster = cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
        supposed = parse(PlanBody, request).get("deployments", ())
        return Response(next_cycle(user=request.user, cluster=cluster, supposed=supposed))
