"""The log of a deployment over HTTP. The answer names a session; the stream process puts the log in its place."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.errors import Unavailable
from accounts.filters import MAXIMUM_ID
from accounts.wire import SignedInRequest
from deployments import selectors
from deployments.log_protocol import DEFAULT_TAIL, FRONT_MARK, LONGEST_TAIL, STREAM_HEADER, last_lines
from deployments.models import Run
from deployments.services import logs
from deployments.streamed import StreamRenderer
from organizations.permissions import Action, require

PARAMETERS = ("follow", "run", "tail")
DESCRIPTION = (
    "As text, a line a line. With `follow=true` the answer goes on as the run writes, until it ends, also when the "
    "access token has expired by then. Who may no longer read it is told so in a last line, within five minutes. After "
    "the end the engine keeps the log for a while; then the last 64 KB are kept here. Without `follow` at most the "
    "last 4 MB come."
)


class PlainText(StreamRenderer):
    media_type = "text/plain"
    format = "txt"


class Logs(APIView):
    renderer_classes: Any = (*api_settings.DEFAULT_RENDERER_CLASSES, PlainText)
    more_problems = ("409", "410", "502", "504")

    @extend_schema(
        operation_id="read_logs",
        tags=["deployments"],
        summary="What one of its runs wrote",
        description=DESCRIPTION,
        responses={(200, "text/plain"): OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("run", int, description="The id of one of its runs. Default: the newest."),
            OpenApiParameter(
                "tail",
                {"type": "integer", "minimum": 0, "maximum": LONGEST_TAIL},
                description=f"At most so many lines from before. Default {DEFAULT_TAIL}.",
            ),
            OpenApiParameter("follow", bool, description="Go on until the run ends. Default false."),
        ],
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> HttpResponse:
        deployment = selectors.deployment(user=request.user, deployment_id=deployment_id)
        require(deployment.my_role, Action.READ_LOGS)
        tail, follow = asked_tail(request), asked_follow(request)
        run = selectors.run_to_read(deployment_id=deployment_id, run_id=_asked_run(request))
        return log_answer(request, logs.require_started(run), tail=tail, follow=follow)


def log_answer(request: HttpRequest, run: Run, *, tail: int, follow: bool) -> HttpResponse:
    """The kept tail as text, or an empty answer that names the session to read from. Raises Unavailable."""
    answer = HttpResponse(content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
    if selectors.is_only_kept(run):
        answer.content = last_lines(run.log_tail, tail).encode()
    elif not request.META.get(FRONT_MARK):
        raise Unavailable(
            "Logs come through the stream process. Ask at its address, not at the web server's own."
        )
    elif request.method != "HEAD":
        answer[STREAM_HEADER] = logs.ask_for_log(run=run, tail=tail, follow=follow)
    return answer


def asked_tail(request: SignedInRequest) -> int:
    given = request.query_params.get("tail", str(DEFAULT_TAIL))
    if not _is_whole(given) or int(given) > LONGEST_TAIL:
        raise ValidationError({"tail": [f"Write a whole number from 0 to {LONGEST_TAIL}."]})
    return int(given)


def asked_follow(request: SignedInRequest) -> bool:
    given = request.query_params.get("follow", "false")
    if given not in {"true", "false"}:
        raise ValidationError({"follow": ["Write true or false."]})
    return given == "true"


def _asked_run(request: SignedInRequest) -> int | None:
    if unknown := sorted(set(request.query_params) - set(PARAMETERS)):
        # A slip such as ?folow=true must not quietly answer something else.
        known = f"Unknown parameter. Known are: {', '.join(PARAMETERS)}."
        raise ValidationError({name[:100]: [known] for name in unknown[:20]})
    given = request.query_params.get("run")
    if given is None:
        return None
    if not _is_whole(given) or not 0 < int(given) <= MAXIMUM_ID:
        raise ValidationError({"run": ["Write the id of one of its runs; …/runs lists them."]})
    return int(given)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
