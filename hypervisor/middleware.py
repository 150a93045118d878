"""What every request passes: its context for logs and audit, and forgiveness about a trailing slash."""

import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.audit import request_address

Handler = Callable[[HttpRequest], HttpResponse]
# These keep their slashes: the console's own urls end with one, and a static path names a file.
OWN_SLASHES = ("/admin/", "/static/")


def client_address(request: HttpRequest) -> str:
    """The peer's address, or behind NUM_PROXIES trusted proxies the one that the outermost of them saw."""
    proxies: int = settings.NUM_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if proxies and forwarded:
        hops = [hop.strip() for hop in forwarded.split(",")]
        return str(hops[-min(proxies, len(hops))])
    return str(request.META.get("REMOTE_ADDR", ""))


class RequestContext:
    """Gives each request an id (answered as X-Request-ID) and remembers where it came from."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        token = request_address.set(client_address(request))
        try:
            response = self.get_response(request)
        finally:
            request_address.reset(token)
        response["X-Request-ID"] = request_id
        return response


class OptionalTrailingSlash:
    """`/clusters/` is `/clusters`: users' scripts write both."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path != "/" and path.endswith("/") and not path.startswith(OWN_SLASHES):
            request.path_info = path.rstrip("/") or "/"
        return self.get_response(request)
