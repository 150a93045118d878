"""Clusters' engines over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, refuse_body
from clusters.checking import check_now
from clusters.serializers import CheckAnswer
from clusters.throttles import CheckThrottle
from clusters.views import managed


class Check(APIView):
    throttle_classes = [CheckThrottle]

    @extend_schema(
        operation_id="check_cluster",
        tags=["clusters"],
        summary="Ask its engine what it is",
        description="Waits up to 10 seconds for a worker. An engine that does not answer is a 200 too, with "
        "`reachable` false and the problem.",
        request=None,
        responses={200: CheckAnswer},
    )
    def post(self, request: SignedInRequest, cluster_id: int) -> Response:
        managed(request, cluster_id)
        refuse_body(request)
        return Response(check_now(cluster_id=cluster_id))
