"""Probes: alive (this process answers) and ready (it can do its work)."""

import time
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.authentication import TokenAuthentication
from hypervisor.problems import only_reading
from scheduling import heartbeat

log = structlog.get_logger(__name__)


@only_reading
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all; asks nobody."""
    return JsonResponse({"status": "ok"})


@only_reading
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503. Superusers also see the scheduler's age and what failed."""
    checks: dict[str, Any] = {"database": _database(), "broker": _broker()}
    ready = all(check == "ok" for check in checks.values())
    answer: dict[str, Any] = {"status": "ok" if ready else "unavailable"}
    if _runs_this(request):
        beat = heartbeat.last()
        answer |= checks | {
            "seconds_since_last_cycle": None if beat is None else round(time.time() - beat, 1)
        }
    return JsonResponse(answer, status=200 if ready else 503)


def _runs_this(request: HttpRequest) -> bool:
    """By the console's session or by a bearer token. Asks nobody where neither was sent."""
    try:
        signed_in = TokenAuthentication().authenticate(Request(request))
        user: Any = signed_in[0] if signed_in else getattr(request, "user", None)
        return user is not None and bool(user.is_superuser)
    except (APIException, DatabaseError):
        return False


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("database_unavailable", error=str(error))
        return str(error)
    return "ok"


def _broker() -> str:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except redis.RedisError as error:
        log.warning("broker_unavailable", error=str(error))
        return str(error)
    return "ok"
