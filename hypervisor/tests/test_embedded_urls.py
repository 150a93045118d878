from pathlib import Path

import environ
import pytest
import redis

from hypervisor.embedded.urls import celery_broker_url, postgres_url, redis_url

SOCKETS = Path("/var/tmp/a-folder/sockets")


def test_django_reads_the_socket_folder_from_the_database_url():
    settings = environ.Env.db_url_config(postgres_url(user="u", database="d", sockets=SOCKETS))
    assert (settings["USER"], settings["NAME"], settings["HOST"]) == ("u", "d", "")
    assert settings["OPTIONS"] == {"host": str(SOCKETS)}


def test_redis_reads_the_socket_and_the_database_from_the_redis_url():
    client = redis.Redis.from_url(redis_url(socket=SOCKETS / "valkey.sock", database=3))
    options = client.connection_pool.connection_kwargs
    assert (options["path"], options["db"]) == (str(SOCKETS / "valkey.sock"), 3)


@pytest.mark.parametrize(
    ("given", "broker"),
    [
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix://:secret@/run/valkey.sock?db=1", "redis+socket://:secret@/run/valkey.sock?virtual_host=1"),
        ("redis://broker:6379/2", "redis://broker:6379/2"),
        ("rediss://:secret@broker:6380/0", "rediss://:secret@broker:6380/0"),
    ],
)
def test_the_broker_url_names_the_same_server_as_the_redis_url(given, broker):
    assert celery_broker_url(given) == broker
