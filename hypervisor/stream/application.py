"""The process that holds the public address, put together from the environment."""

import contextlib
import logging.config
import resource

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from hypervisor import environment as env
from hypervisor.front import front_proof
from hypervisor.logs import LOGGING
from hypervisor.stream import events
from hypervisor.stream.asgi import Receive, Scope, Send
from hypervisor.stream.event_response import EventResponse
from hypervisor.stream.events import Events
from hypervisor.stream.follow import LogResponse
from hypervisor.stream.front import EVENTS, LOGS, Front, StandIn
from hypervisor.stream.hub import BLOCK_MILLISECONDS, Hub
from hypervisor.stream.upstream import Upstream

REDIS_SECONDS = 2.0


class WrongEnvironment(Exception):
    """Every variable that cannot be used, and what to write."""


class Application:
    """The front of the service. Nothing connects before the first request."""

    def __init__(self, *, upstream: str, redis_url: str, secret_key: str) -> None:
        self._upstream = Upstream(upstream)
        self._hub = Hub(
            redis=_redis(redis_url, REDIS_SECONDS),
            reading=_redis(redis_url, BLOCK_MILLISECONDS / 1000 + REDIS_SECONDS),
        )
        self._events = Events(
            redis=_redis(redis_url, REDIS_SECONDS),
            reading=_redis(redis_url, events.BLOCK_MILLISECONDS / 1000 + REDIS_SECONDS),
        )
        stand_ins: dict[bytes, StandIn] = {LOGS: LogResponse(self._hub), EVENTS: EventResponse(self._events)}
        self._front = Front(self._upstream, stand_ins, proof=front_proof(secret_key))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._front(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._hub.close()
                await self._events.close()
                self._upstream.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def _redis(url: str, seconds: float) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(ConstantBackoff(0.05), 1),
        decode_responses=False,
    )


def _many_connections() -> None:
    """Each follower holds one; the usual limit of 1024 is that of programs with `select`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def make_application() -> Application:
    """From the environment. Raises WrongEnvironment."""
    env.load_dotenv()
    application = Application(
        upstream=env.web_upstream(),
        redis_url=env.redis_url(),
        secret_key=env.secret_key(debug=env.flag("DEBUG", default=False)),
    )
    if env.problems:
        raise WrongEnvironment("\n".join(f"{problem.message} {problem.hint}" for problem in env.problems))
    logging.config.dictConfig(LOGGING)
    _many_connections()
    return application
