"""The service's routes as the URL configuration has them: nobody can add one that the tests do not see."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CONSOLE = "admin/"
IDS = (
    "organization_id",
    "cluster_id",
    "deployment_id",
    "user_id",
    "credential_id",
    "webhook_id",
    "delivery_id",
)
ABSENT = dict.fromkeys(IDS, 999)
"""Ids that no test's rows have."""


def routes() -> list[tuple[str, str]]:
    """Each (verb, path) that some view answers, the console left out: ("GET", "/clusters/{cluster_id}")."""
    found = _walk(get_resolver().url_patterns, "")
    return sorted((verb, path) for path, pattern in found for verb in _verbs(pattern))


def api_routes() -> list[tuple[str, str]]:
    """Those of the REST API alone, without pages and probes."""
    found = _walk(get_resolver().url_patterns, "")
    return sorted((verb, path) for path, pattern in found if _is_api(pattern) for verb in _verbs(pattern))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if path != CONSOLE:
                yield from _walk(pattern.url_patterns, path)
        else:
            yield "/" + re.sub(r"<int:(\w+)>", r"{\1}", path), pattern


def _is_api(pattern: URLPattern) -> bool:
    view = getattr(pattern.callback, "view_class", None)
    return (
        view is not None and issubclass(view, APIView) and not view.__module__.startswith("drf_spectacular")
    )


def _verbs(pattern: URLPattern) -> list[str]:
    if not _is_api(pattern):
        return ["GET"]
    view = pattern.callback.view_class  # type: ignore[attr-defined]
    return [verb for verb in VERBS if hasattr(view, verb.lower())]
