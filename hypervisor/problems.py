"""Every error as RFC 9457 `application/problem+json`, with the field it is about."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    NotFound,
    NotSignedIn,
    Unavailable,
)

log = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"
DOMAIN_STATUS: Mapping[type[DomainError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
LONGEST_DETAIL = 1000
MOST_ERRORS = 50
"""An answer must stay small, however much is wrong with the input."""
SIGN_IN = (
    "There is no access token. Sign in with POST /token (username, password), then send the header "
    "Authorization: Bearer ACCESS_TOKEN."
)
NOT_FOUND = "There is nothing here that you can see."


def body(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem object; `more` are its extension members."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }


def field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested error detail as a flat list of {field, detail}; as in `env.PATH` and `ports[0]`."""
    if isinstance(detail, Mapping):
        return [error for key, value in detail.items() for error in field_errors(value, _nested(path, key))]
    if isinstance(detail, list):
        return [
            error
            for position, value in enumerate(detail)
            for error in (
                field_errors(value, f"{path}[{position}]")
                if isinstance(value, Mapping | list)
                else [{"field": path, "detail": _short(str(value))}]
            )
        ]
    return [{"field": path, "detail": _short(str(detail))}]


def _nested(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _short(text: str) -> str:
    """Some messages quote the input, which may be a megabyte."""
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}…"


def _in_words(errors: Iterable[Mapping[str, str]]) -> str:
    """The same errors as one line, each with its field."""
    return "; ".join(f"{e['field']}: {e['detail']}" if e["field"] else e["detail"] for e in errors)


def domain_problem(error: DomainError) -> Response:
    """The answer for an error that a service raised."""
    status = next(DOMAIN_STATUS[kind] for kind in type(error).__mro__ if kind in DOMAIN_STATUS)
    detail, more = error.detail, dict[str, Any]()
    headers: dict[str, str] = {}
    if isinstance(error, InvalidInput):
        more["errors"] = field_errors(error.fields)[:MOST_ERRORS]
        detail = _in_words(more["errors"])
    if isinstance(error, Conflict):
        more.update({"allowed": error.allowed} | ({"state": error.state} if error.state else {}))
    if isinstance(error, NotSignedIn):
        more["error"] = error.oauth_error
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body(status, detail, **more), status=status, headers=headers, content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: any expected exception → problem; an unexpected one is left to `server_error`."""
    if isinstance(error, DomainError):
        return domain_problem(error)
    if isinstance(error, OperationalError):
        log.error("database_unavailable", error=str(error))
        return Response(
            body(503, "The database does not answer at the moment. Try again in a few seconds."),
            status=503,
            headers={"Retry-After": "5"},
            content_type=CONTENT_TYPE,
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound(NOT_FOUND)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        return Response(body(413, str(error)), status=413, content_type=CONTENT_TYPE)
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError("The request is malformed.")
    if not isinstance(error, exceptions.APIException):
        return None
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    more: dict[str, Any] = {}
    detail = str(error.detail) if isinstance(error.detail, str) else "The input is not valid."
    if isinstance(error, exceptions.Throttled):
        wait = math.ceil(getattr(error, "wait", None) or 1)
        headers["Retry-After"] = str(wait)
        detail = f"Too many requests. Try again in {wait} seconds."
    if isinstance(error, exceptions.NotAuthenticated):
        detail = SIGN_IN
    if isinstance(error, exceptions.MethodNotAllowed):
        allowed = getattr(context.get("view"), "allowed_methods", [])
        detail = f"{detail} Allowed are {', '.join(allowed)}." if allowed else detail
    if isinstance(error, exceptions.UnsupportedMediaType):
        known = [parser.media_type for parser in getattr(context.get("view"), "parser_classes", [])]
        detail = f"{detail} Send {' or '.join(known) or 'application/json'}."
    if isinstance(error, exceptions.ValidationError):
        errors = field_errors(error.detail)[:MOST_ERRORS]
        detail = _in_words(errors)
        more["errors"] = errors
    elif isinstance(error.detail, Mapping):
        detail = str(error.detail.get("detail", detail))
    return Response(
        body(error.status_code, detail, **more),
        status=error.status_code,
        headers=headers,
        content_type=CONTENT_TYPE,
    )


def only_reading(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """For views that are not the REST framework's: 405 as a problem for what is neither GET nor HEAD."""

    def checked(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        answer = plain(405, f"Method {request.method} is not allowed here. Allowed are GET and HEAD.")
        answer["Allow"] = "GET, HEAD"
        return answer

    # Such a view changes nothing, so a missing CSRF token must not hide the 405.
    return csrf_exempt(wraps(view)(checked))


def plain(status: int, detail: str) -> HttpResponse:
    """A problem from outside of DRF."""
    return HttpResponse(orjson.dumps(body(status, detail)), status=status, content_type=CONTENT_TYPE)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Unknown paths."""
    return plain(404, f"There is no such path. See {request.build_absolute_uri('/docs')}.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Requests that Django refuses before a view runs, such as an unknown Host."""
    return plain(400, "The request is malformed, or its Host is not one of ALLOWED_HOSTS.")


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort: says nothing of the inside."""
    return plain(500, "Something went wrong on our side; it was logged under this answer's X-Request-ID.")
