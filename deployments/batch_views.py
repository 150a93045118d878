"""Submitting many deployments at once, over HTTP."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import InvalidInput
from accounts.wire import SignedInRequest, parse
from clusters.sharing.selectors import Use, uses
from deployments.batch_serializers import BatchAnswer, BatchBody
from deployments.examples import BATCH
from deployments.once_header import PARAMETER, asked_once, marked
from deployments.services.batch import submit_batch
from deployments.services.batch_order import Entry
from deployments.services.once import submit_once
from deployments.views import submitter


def for_somebody(entry: Entry, mine: Mapping[int, Use]) -> Entry:
    """The entry with the organization that it is of. Raises Forbidden where the caller may not submit for that one."""
    use = mine.get(entry.asked["cluster_id"]) if entry.asked else None
    if entry.asked is None or use is None:
        return entry
    try:
        organization_id = submitter(use, entry.asked.get("organization_id"))
    except InvalidInput as wrong:
        return replace(entry, asked=None, problem=wrong.fields)
    return replace(entry, asked={**entry.asked, "organization_id": organization_id})


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
        parameters=[PARAMETER],
    )
    def post(self, request: SignedInRequest) -> Response:
        entries = parse(BatchBody, request)["deployments"]
        submitted = submit_once(
            actor=request.user, once=asked_once(request), submit=lambda: made_of(request, entries)
        )
        answer = [
            {"index": index, "key": entry.key, "id": id_}
            for index, (entry, id_) in enumerate(zip(entries, submitted.deployment_ids, strict=True))
        ]
        return marked(Response({"deployments": answer}, status=201), submitted)


def made_of(request: SignedInRequest, entries: list[Entry]) -> list[int]:
    """The ids of the new ones, in order. Raises InvalidInput or ValidationError with all that is wrong."""
    mine = uses(
        user=request.user, cluster_ids={entry.asked["cluster_id"] for entry in entries if entry.asked}
    )
    clusters = {id_: use.cluster for id_, use in mine.items()}
    entries = [for_somebody(entry, mine) for entry in entries]
    try:
        made = submit_batch(actor=request.user, clusters=clusters, entries=entries)
    except InvalidInput as refused:
        unread = {place: entry.problem for place, entry in enumerate(entries) if entry.asked is None}
        if not unread:
            raise
        everything: dict[str, Any] = {**refused.fields, "deployments": unread}
        raise ValidationError(everything) from refused
    return [one.pk for one in made]
