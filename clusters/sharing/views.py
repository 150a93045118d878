"""Who may use a cluster, over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, parse
from clusters import selectors as cluster_selectors
from clusters.sharing.examples import ASKED
from clusters.sharing.selectors import shares_shown
from clusters.sharing.serializers import SharesAnswer, SharesBody
from clusters.sharing.services import Share, set_shares
from clusters.views import managed


class Shares(APIView):
    @extend_schema(
        operation_id="list_shares",
        tags=["clusters"],
        summary="Who may use it, and with which weight",
        responses=SharesAnswer,
    )
    def get(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster = cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
        return Response(shares_shown(user=request.user, cluster=cluster))

    @extend_schema(
        operation_id="put_shares",
        tags=["clusters"],
        summary="Share it with these organizations, and no others",
        description="Their members see its capacity and submit to it; they change nothing about it, and of others' "
        "deployments they see amounts and priorities. An organization whose deployments wait or run here cannot lose "
        "its share: 409. On a shared cluster with a real engine every start asks the registry for the image.",
        request=SharesBody,
        responses=SharesAnswer,
        examples=[OpenApiExample("with one guest", ASKED, request_only=True)],
    )
    def put(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster = managed(request, cluster_id)
        shares = [Share(**one) for one in parse(SharesBody, request)["shares"]]
        set_shares(actor=request.user, cluster_id=cluster_id, shares=shares)
        return Response(shares_shown(user=request.user, cluster=cluster))
