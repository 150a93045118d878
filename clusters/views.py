"""Clusters over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Forbidden, InvalidInput, NotFound
from accounts.wire import SignedInRequest, created, each, page, parse
from clusters import selectors, services
from clusters.amounts import without_unchanged
from clusters.checking import check_after_write, wants_check
from clusters.examples import ASKED
from clusters.filters import ClusterFilter
from clusters.models import Cluster
from clusters.serializers import ClusterAnswer, ClusterBody
from clusters.throttles import CheckThrottle
from organizations import selectors as organization_selectors
from organizations.permissions import Action, require

GUEST = (
    "This cluster is another organization's, which shares it with yours. Only its own owners and admins may change "
    "anything about it."
)


def managed(request: SignedInRequest, cluster_id: int) -> Cluster:
    """The cluster, if the caller may manage it."""
    cluster = selectors.cluster(user=request.user, cluster_id=cluster_id)
    if not cluster.my_role:
        raise Forbidden(GUEST)
    require(cluster.my_role, Action.MANAGE_CLUSTERS)
    return cluster


class ChecksAfterWrites(APIView):
    """What was just connected is checked at once, as often as one may check; beyond that, by the beat."""

    def check(self, request: SignedInRequest, cluster: Cluster, written: dict[str, Any]) -> None:
        if wants_check(cluster=cluster, written=written) and CheckThrottle().allow_request(request, self):
            check_after_write(cluster_id=cluster.pk)


class Clusters(ChecksAfterWrites):
    filterset_class = ClusterFilter

    @extend_schema(
        operation_id="list_clusters",
        tags=["clusters"],
        summary="Clusters you can use",
        responses=ClusterAnswer(many=True),
    )
    def get(self, request: SignedInRequest) -> Response:
        return page(self, selectors.clusters(user=request.user), each(selectors.cluster_answer))

    @extend_schema(
        operation_id="create_cluster",
        tags=["clusters"],
        summary="Add a cluster to an organization",
        request=ClusterBody,
        responses={201: ClusterAnswer},
        examples=[OpenApiExample("two machines' worth", ASKED, request_only=True)],
    )
    def post(self, request: SignedInRequest) -> Response:
        body = parse(ClusterBody, request)
        try:
            organization = organization_selectors.organization(
                user=request.user, organization_id=body["organization_id"]
            )
            require(organization.my_role, Action.MANAGE_CLUSTERS)
            cluster = services.create_cluster(actor=request.user, **body)
        except NotFound as error:
            raise InvalidInput({"organization_id": error.detail}) from error
        self.check(request, cluster, body)
        answer = selectors.cluster_shown(user=request.user, cluster_id=cluster.pk)
        return created(answer, "cluster", cluster.pk)


class OneCluster(ChecksAfterWrites):
    @extend_schema(
        operation_id="get_cluster", tags=["clusters"], summary="One cluster", responses=ClusterAnswer
    )
    def get(self, request: SignedInRequest, cluster_id: int) -> Response:
        return Response(selectors.cluster_shown(user=request.user, cluster_id=cluster_id))

    @extend_schema(
        operation_id="change_cluster",
        tags=["clusters"],
        summary="Change what the body names; pause with paused: true",
        request=ClusterBody(partial=True),
        responses=ClusterAnswer,
    )
    def patch(self, request: SignedInRequest, cluster_id: int) -> Response:
        cluster = managed(request, cluster_id)
        changes = parse(ClusterBody, request, partial=True)
        for field in ("organization_id", "runtime"):
            if changes.pop(field, getattr(cluster, field)) != getattr(cluster, field):
                raise InvalidInput({field: "This cannot change. Make a new cluster instead."})
        changes = without_unchanged(changes, "total", cluster.total)
        services.change_cluster(actor=request.user, cluster_id=cluster_id, changes=changes)
        self.check(request, cluster, changes)
        return Response(selectors.cluster_shown(user=request.user, cluster_id=cluster_id))

    @extend_schema(
        operation_id="put_cluster",
        tags=["clusters"],
        summary="The same as PATCH",
        request=ClusterBody(partial=True),
        responses=ClusterAnswer,
    )
    def put(self, request: SignedInRequest, cluster_id: int) -> Response:
        return self.patch(request, cluster_id)

    @extend_schema(
        operation_id="delete_cluster",
        tags=["clusters"],
        summary="Delete it; refused while anything runs or waits there",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, cluster_id: int) -> Response:
        managed(request, cluster_id)
        services.delete_cluster(actor=request.user, cluster_id=cluster_id)
        return Response(status=204)
