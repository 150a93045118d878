"""What one does to a cluster and what runs there, over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import Body, SignedInRequest, Text, parse
from clusters import selectors as cluster_selectors
from clusters.serializers import ClusterAnswer
from clusters.views import managed
from deployments.services.give_up import declare_lost

CONFIRMED: dict[str, Any] = {"confirm": "lab"}


class DeclareLostBody(Body):
    confirm = Text(
        required=False,
        max_length=200,
        help_text="The cluster's name. Without it a 400 says how many runs end.",
    )


class DeclareLost(APIView):
    @extend_schema(
        operation_id="declare_cluster_lost",
        tags=["clusters"],
        summary="Give up what runs on an unreachable cluster",
        description="Its runs end as lost and their deployments are queued anew. Nothing starts there until the "
        "engine answers again and the containers that are left on it were removed.",
        request=DeclareLostBody,
        responses={200: ClusterAnswer},
        examples=[OpenApiExample("meant", CONFIRMED, request_only=True)],
    )
    def post(self, request: SignedInRequest, cluster_id: int) -> Response:
        managed(request, cluster_id)
        body = parse(DeclareLostBody, request)
        declare_lost(actor=request.user, cluster_id=cluster_id, confirm=body.get("confirm"))
        return Response(cluster_selectors.cluster_shown(user=request.user, cluster_id=cluster_id))
