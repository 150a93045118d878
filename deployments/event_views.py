"""Watching what happens, over HTTP. The answer names a filter; the stream process puts the events in its place."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.authentication import TokenAuthentication
from accounts.errors import Unavailable
from accounts.filters import MAXIMUM_ID
from accounts.wire import SignedInRequest
from clusters import selectors as cluster_selectors
from clusters.event_protocol import EVENTS_HEADER, Filter, write_header
from deployments import selectors
from deployments.examples import WATCHED
from deployments.log_protocol import FRONT_MARK
from deployments.streamed import StreamRenderer
from organizations import selectors as organization_selectors

IDS = ("organization", "cluster", "deployment")
LAST = "last_event_id"
PARAMETERS = (*IDS, LAST)
DESCRIPTION = (
    "Server-Sent Events: what happens from now on to the deployments and clusters that you can see, or to those that "
    "the parameters name. Each message has an `id`; a client that was away sends it back as `Last-Event-ID` (or "
    "`?last_event_id=`) and misses nothing. `event: reset` says that something was missed for good: fetch anew. Events "
    "are hints, the other calls are the truth. The stream ends after 15 minutes; connect again. Where a cluster is "
    "shared with you, you get your own organization's deployments there."
)


class EventStream(StreamRenderer):
    media_type = "text/event-stream"
    format = "events"


def _id(name: str) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        {"type": "integer", "format": "int64", "minimum": 1},
        description=f"Only of this {name}, by id. With another one: of both.",
    )


class Watch(APIView):
    # A browser's EventSource sends no Authorization; a page of the console has the session's cookie.
    authentication_classes = [TokenAuthentication, SessionAuthentication]
    renderer_classes: Any = (*api_settings.DEFAULT_RENDERER_CLASSES, EventStream)
    more_problems = ("404",)

    @extend_schema(
        operation_id="watch_events",
        tags=["events"],
        summary="What happens, as it happens",
        description=DESCRIPTION,
        responses={
            (200, "text/event-stream"): OpenApiResponse(
                OpenApiTypes.STR, examples=[OpenApiExample("a deployment starts", WATCHED)]
            )
        },
        parameters=[
            *map(_id, IDS),
            OpenApiParameter(LAST, str, description="As the header Last-Event-ID, which counts before it."),
            OpenApiParameter("Last-Event-ID", str, location="header", description="The last `id` that came."),
        ],
    )
    def get(self, request: SignedInRequest) -> HttpResponse:
        filter_ = _asked(request)
        answer = HttpResponse(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
        if not request.META.get(FRONT_MARK):
            raise Unavailable(
                "Events come through the stream process. Ask at its address, not at the web server's own."
            )
        if request.method != "HEAD":
            after = request.headers.get("Last-Event-ID") or request.query_params.get(LAST, "")
            answer[EVENTS_HEADER] = write_header(filter_, after)
        return answer


def _asked(request: SignedInRequest) -> Filter:
    """What the caller may see of what they ask for. Raises NotFound for what they cannot see at all."""
    organization_id, cluster_id, deployment_id = _ids(request)
    if isinstance(request.successful_authenticator, SessionAuthentication) and request.user.is_superuser:
        # The console shows every tenant's rows, and so do its events.
        return Filter(
            None if organization_id is None else frozenset({organization_id}), cluster_id, deployment_id
        )
    mine = frozenset(organization_selectors.organizations(user=request.user).values_list("id", flat=True))
    if organization_id is not None:
        mine &= {organization_selectors.organization(user=request.user, organization_id=organization_id).pk}
    if cluster_id is not None:
        cluster_selectors.cluster(user=request.user, cluster_id=cluster_id)
    if deployment_id is not None:
        selectors.require_visible(user=request.user, deployment_id=deployment_id)
    return Filter(mine, cluster_id, deployment_id)


def _ids(request: SignedInRequest) -> list[int | None]:
    given = request.query_params
    if unknown := sorted(set(given) - set(PARAMETERS)):
        known = f"Unknown parameter. Known are: {', '.join(PARAMETERS)}."
        raise ValidationError({name[:100]: [known] for name in unknown[:20]})
    wrong = {name: ["Write an id."] for name in IDS if name in given and not _is_id(given[name])}
    if wrong:
        raise ValidationError(wrong)
    return [int(given[name]) if name in given else None for name in IDS]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20 and 0 < int(text) <= MAXIMUM_ID
