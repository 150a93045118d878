"""What the scheduler did with a cluster, over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, page
from clusters import selectors as cluster_selectors
from scheduling import selectors
from scheduling.filters import CycleFilter
from scheduling.serializers import CycleAnswer


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
