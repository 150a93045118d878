"""What all tests share: the cast (alice owns, bob is a member, charlie is nobody) and quick, quiet settings."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings
from rest_framework.test import APIClient

GENEROUS = "1000000/second"
cache_of_this_test = ""


def key_of_this_test(key: str, prefix: str, version: int) -> str:
    """Each test has a cache of its own; emptying the cache would empty the Redis that all workers share."""
    return f"{prefix}:{cache_of_this_test}:{version}:{key}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """A database and a broker are given, not guessed: a server on a default port may be somebody's."""
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    if missing:
        pytest.fail(
            f"{' and '.join(missing)} not set. Run the tests with:  make test\n"
            f'or some of them with:  make test ARGS="path/to/test.py -k name"',
            pytrace=False,
        )


@pytest.fixture(scope="session", autouse=True)
def settings_for_tests() -> Iterator[None]:
    """Quick password hashes, no throttling, no hints: a test that is about one of them sets it back."""
    rest = django_settings.REST_FRAMEWORK
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher", *django_settings.PASSWORD_HASHERS],
        REST_FRAMEWORK=rest
        | {"DEFAULT_THROTTLE_RATES": dict.fromkeys(rest["DEFAULT_THROTTLE_RATES"], GENEROUS)},
        CACHES={"default": django_settings.CACHES["default"] | {"KEY_FUNCTION": key_of_this_test}},
        SCHEDULER_HINTS=False,
    ):
        yield


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """An empty cache."""
    global cache_of_this_test
    cache_of_this_test = uuid4().hex


@pytest.fixture
def alice(db: None) -> Any:
    """Owns the lab."""
    from accounts.tests.factories import UserFactory

    return UserFactory(username="alice")


@pytest.fixture
def lab(alice: Any) -> Any:
    """Alice's organization."""
    from organizations.tests.factories import OrganizationFactory

    return OrganizationFactory(name="lab", owner=alice)


@pytest.fixture
def bob(lab: Any) -> Any:
    """A member of the lab."""
    from organizations.tests.factories import MembershipFactory

    return MembershipFactory(organization=lab, user__username="bob").user


@pytest.fixture
def charlie(db: None) -> Any:
    """Somebody in no organization."""
    from accounts.tests.factories import UserFactory

    return UserFactory(username="charlie")


@pytest.fixture
def cluster(lab: Any) -> Any:
    """The lab's empty cluster: 8 GPUs, 64 cores, 256 GB."""
    from clusters.tests.factories import ClusterFactory

    return ClusterFactory(organization=lab, name="gpu-box")


@pytest.fixture
def operator(db: None) -> Any:
    """A superuser."""
    from accounts.tests.factories import UserFactory

    return UserFactory(username="operator", is_staff=True, is_superuser=True)


@pytest.fixture
def console(operator: Any) -> Client:
    """A browser in which the operator is signed in to the console."""
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def api(db: None) -> Callable[..., APIClient]:
    """`api(alice).post("/clusters", {...})` sends JSON with a real token of alice's; `api()` is nobody signed in."""
    from accounts.tokens import issue

    def client(user: Any = None) -> APIClient:
        client = APIClient()
        client.default_format = "json"
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue(user=user)['access_token']}")
        return client

    return client


@pytest.fixture
def engine_worker() -> Iterator[None]:
    """A worker for what reaches engines: it works inside of the call that asks."""
    from celery import current_app

    with_worker = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = with_worker


@pytest.fixture
def only_legal_moves(db: None) -> Iterator[None]:
    """Any write of a deployment's status that the state table does not have fails."""
    from deployments.tests.legal_moves import illegal_moves_refused

    with illegal_moves_refused():
        yield


@pytest.fixture
def event_stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a stream of events of this test's own, in the Redis that others use, too."""
    from clusters import announcing
    from clusters.redis import redis_client

    name = f"events:{uuid4().hex}"
    monkeypatch.setattr(announcing, "STREAM", name)
    monkeypatch.setattr(announcing._Health, "lost", False)
    monkeypatch.setattr(announcing._Health, "silent_until", 0.0)
    yield name
    redis_client().unlink(name)


@pytest.fixture
def told(event_stream: str, django_capture_on_commit_callbacks: Any) -> Callable[[Callable[[], Any]], Any]:
    """`told(call)`: what the call tells after its commit, a tuple an event, and in how many entries."""
    import orjson

    from clusters.event_protocol import TOLD
    from clusters.redis import redis_client

    def run(call: Callable[[], Any]) -> tuple[list[tuple[Any, ...]], int]:
        redis_client().unlink(event_stream)
        with django_capture_on_commit_callbacks(execute=True):
            call()
        found: Any = redis_client().xrange(event_stream)
        events = [
            (topic, kind, source, status, data, *row)
            for _, fields in found
            for topic, kind, source, _, status, data, rows in orjson.loads(fields[TOLD.encode()])
            for row in rows
        ]
        return events, len(found)

    return run
