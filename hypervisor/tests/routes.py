"""The service's routes as the URL configuration has them: nobody can add one that the tests do not see."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CONSOLE = "admin/"


def routes() -> list[tuple[str, str]]:
    """Each (verb, path) that some view answers, the console left out: ("GET", "/clusters/{cluster_id}")."""
    return sorted(
        (verb, "/" + re.sub(r"<int:(\w+)>", r"{\1}", path))
        for path, pattern in _walk(get_resolver().url_patterns, "")
        for verb in _verbs(pattern)
    )


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if path != CONSOLE:
                yield from _walk(pattern.url_patterns, path)
        else:
            yield path, pattern


def _verbs(pattern: URLPattern) -> list[str]:
    view = getattr(pattern.callback, "view_class", None)
    if view is None or not issubclass(view, APIView):
        return ["GET"]
    return [verb for verb in VERBS if hasattr(view, verb.lower())]
