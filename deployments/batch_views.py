"""Submitting many deployments at once, over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import InvalidInput
from accounts.wire import SignedInRequest, parse
from clusters import selectors as cluster_selectors
from deployments.batch_serializers import BatchAnswer, BatchBody
from deployments.examples import BATCH
from deployments.services.batch import submit_batch
from organizations.permissions import Action, require


class Batch(APIView):
    @extend_schema(
        operation_id="submit_deployments",
        tags=["deployments"],
        summary="Submit up to 1,000 deployments of one organization: all or nothing",
        description="Each as in POST /deployments. They may wait for each other, by the keys that the batch gives "
        "them. A refusal names what is wrong with each by its index, at most 50 things.",
        request=BatchBody,
        responses={201: BatchAnswer},
        examples=[OpenApiExample("two, and one that waits for both", BATCH, request_only=True)],
    )
    def post(self, request: SignedInRequest) -> Response:
        entries = parse(BatchBody, request)["deployments"]
        clusters = cluster_selectors.clusters_by_id(
            user=request.user, cluster_ids={entry.asked["cluster_id"] for entry in entries if entry.asked}
        )
        for cluster in clusters.values():
            require(cluster.my_role, Action.SUBMIT)
        try:
            made = submit_batch(actor=request.user, clusters=clusters, entries=entries)
        except InvalidInput as refused:
            unread = {place: entry.problem for place, entry in enumerate(entries) if entry.asked is None}
            if not unread:
                raise
            everything: dict[str, Any] = {**refused.fields, "deployments": unread}
            raise ValidationError(everything) from refused
        answer = [
            {"index": index, "key": entry.key, "id": one.pk}
            for index, (entry, one) in enumerate(zip(entries, made, strict=True))
        ]
        return Response({"deployments": answer}, status=201)
