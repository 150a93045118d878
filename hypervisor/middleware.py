"""What every request passes: its context for logs and audit, and forgiveness about a trailing slash."""

import uuid
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.audit import request_address, request_channel
from accounts.models import Channel

Handler = Callable[[HttpRequest], HttpResponse]
# These keep their slashes: the console's own urls end with one, and a static path names a file.
OWN_SLASHES = ("/admin/", "/static/")


def client_address(request: HttpRequest) -> str:
    """The peer's address, or behind NUM_PROXIES trusted proxies the one that the outermost of them saw.

    Empty where that is no address, never the proxy's own: being near the proxy is no right of the client.
    """
    proxies: int = settings.NUM_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if proxies and forwarded:
        hops = forwarded.split(",")
        return _address(hops[-min(proxies, len(hops))].strip())
    return _address(request.META.get("REMOTE_ADDR", ""))


def lockout_address(request: HttpRequest) -> str:
    """The same for the console's lock, which counts nothing without an address: all who have none share one."""
    return client_address(request) or str(IPv4Address(0))


def _address(text: str) -> str:
    """Without zone and port, which some proxies add; empty for what is no address."""
    host = text.partition("%")[0]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


class RequestContext:
    """Gives each request an id (answered as X-Request-ID) and remembers where it came from."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        token = request_address.set(client_address(request))
        door = Channel.CONSOLE if request.path_info.startswith("/admin/") else Channel.API
        channel = request_channel.set(door.value)
        try:
            response = self.get_response(request)
        finally:
            request_address.reset(token)
            request_channel.reset(channel)
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
