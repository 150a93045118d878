"""What a cluster's scheduling follows, over HTTP."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wire import SignedInRequest, parse
from clusters import selectors as cluster_selectors
from clusters.views import managed
from organizations.permissions import Action, allows
from scheduling.examples import POLICY_ASKED
from scheduling.policies import policy_shown
from scheduling.policy_serializers import PolicyAnswer, PolicyBody
from scheduling.policy_services import set_policy

EXAMPLE = OpenApiExample("fair, and gentle to what runs", POLICY_ASKED, request_only=True)


class ClusterPolicy(APIView):
    @extend_schema(
        operation_id="get_policy",
        tags=["clusters"],
        summary="What its scheduling follows",
        description="The preset, what overrides it (null: nothing), and the settings that hold.",
        responses=PolicyAnswer,
    )
    def get(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster = cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
        is_owners = allows(cluster.my_role, Action.READ)
        return Response(policy_shown(cluster_id=cluster_id, is_owners=is_owners))

    @extend_schema(
        operation_id="change_policy",
        tags=["clusters"],
        summary="Change what the body names; null takes an override back",
        description="It holds from the next cycle on. Nobody who runs is stopped by the change itself.",
        request=PolicyBody(partial=True),
        responses=PolicyAnswer,
        examples=[EXAMPLE],
    )
    def patch(self, request: SignedInRequest, cluster_id: int) -> Response:
        managed(request, cluster_id)
        changes = parse(PolicyBody, request, partial=True)
        set_policy(actor=request.user, cluster_id=cluster_id, changes=changes)
        return Response(policy_shown(cluster_id=cluster_id, is_owners=True))

    @extend_schema(
        operation_id="put_policy",
        tags=["clusters"],
        summary="The same as PATCH",
        request=PolicyBody(partial=True),
        responses=PolicyAnswer,
        examples=[EXAMPLE],
    )
    def put(self, request: SignedInRequest, cluster_id: int) -> Response:
        return self.patch(request, cluster_id)
