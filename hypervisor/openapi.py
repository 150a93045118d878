"""How the schema is drawn and served: the same error answers on every call, declared once."""

from collections.abc import Callable
from functools import cache, wraps
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from accounts.filters import QueryFilters
from hypervisor.pagination import KeysetPagination
from hypervisor.problems import CONTENT_TYPE, body, only_reading

TOO_MUCH = "Cluster 'lab' has 8 GPUs in all. Ask for at most 8, or name another cluster."
EXAMPLES: dict[str, dict[str, Any]] = {
    "400": {
        "detail": f"required_gpu: {TOO_MUCH}",
        "errors": [{"field": "required_gpu", "detail": TOO_MUCH}],
    },
    "401": {"detail": "This session has ended. Sign in again at /token."},
    "403": {
        "detail": "As viewer of this organization you may not submit deployments. Ask one of its: owner, admin."
    },
    "404": {"detail": "There is no deployment with this id that you can see."},
    "405": {"detail": 'Method "DELETE" not allowed. Allowed are GET, POST, HEAD, OPTIONS.'},
    "406": {"detail": "Could not satisfy the request Accept header."},
    "409": {
        "detail": "Deployment 7 is running, so you cannot cancel it. Now you can: change name or priority, stop.",
        "state": "running",
        "allowed": ["change name or priority", "stop"],
    },
    "410": {"detail": "The engine no longer has the log of this run, and none was kept."},
    "413": {"detail": "The body is larger than 2097152 bytes; send less at once."},
    "415": {"detail": 'Unsupported media type "text/plain" in request.'},
    "429": {"detail": "Too many requests. Try again in 41 seconds."},
    "502": {"detail": "The engine of cluster 'lab' does not answer. Try again in a moment."},
    "503": {"detail": "The database does not answer at the moment. Try again in a few seconds."},
    "504": {"detail": "No worker answers that could read the log. Try again in a moment."},
}


class FieldProblem(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field of the body or query, nested names joined by dots.")
    detail = serializers.CharField(help_text="What is wrong with it and what to write.")


class Problem(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do next.")
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]
    state = serializers.CharField(required=False, help_text="409: the state that does not allow this.")
    allowed = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="409: the actions that the state allows."
    )
    error = serializers.CharField(required=False, help_text="/token: RFC 6749's word for it.")


class Schema(AutoSchema):
    """Adds the problems that a call can answer, and the filters of its list."""

    def get_filter_backends(self) -> list[Any]:
        return [QueryFilters] if self._is_list_view() else []

    def _get_paginator(self) -> Any:
        return KeysetPagination() if self._is_list_view() else None

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        # Here and not in `get_response_serializers`, which a view's own declaration replaces.
        declared: dict[str, Any] = super()._get_response_bodies(direction)
        for code, answer in declared.items():
            answer["description"] = HTTPStatus(int(code)).phrase
        draw: Any = self._get_response_for_code
        for status in self._problem_statuses():
            declared.setdefault(status, draw(_problem(status), status, [CONTENT_TYPE], direction))
        return declared

    def _problem_statuses(self) -> list[str]:
        writes = self.method != "GET"
        declared = {
            "400": True,
            "401": self.path != "/register",
            "403": AllowAny not in self.view.permission_classes,
            "404": "{" in self.path,
            "405": True,
            "406": True,
            "409": writes,
            "413": writes,
            "415": writes,
            "429": bool(getattr(self.view, "throttle_classes", None)),
            "503": True,
        }
        declared.update(dict.fromkeys(getattr(self.view, "more_problems", ()), True))
        return [status for status, is_possible in sorted(declared.items()) if is_possible]


def _problem(status: str) -> OpenApiResponse:
    phrase = HTTPStatus(int(status)).phrase
    examples = [OpenApiExample(phrase, body(int(status), **EXAMPLES[status]))]
    return OpenApiResponse(Problem, description=phrase, examples=examples)


@cache
def document() -> bytes:
    """The OpenAPI document as JSON. Drawing it takes a second, and it never changes while the process lives."""
    return orjson.dumps(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@only_reading
def openapi(request: HttpRequest) -> HttpResponse:
    """`/openapi.json`, whatever the client says it accepts."""
    return HttpResponse(document(), content_type="application/json")


def only_our_files(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the pages that show the document: the browser asks no other server for anything."""

    @wraps(page)
    def guarded(request: HttpRequest) -> HttpResponse:
        answer = page(request)
        answer["Content-Security-Policy"] = (
            "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data:; font-src 'self' data:; worker-src blob:"
        )
        return answer

    return guarded
