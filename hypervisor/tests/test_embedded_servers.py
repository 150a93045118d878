import json
import os
import signal
import subprocess
import sys

import psycopg
import pytest
import redis
from kombu import Connection

from hypervisor.embedded import binaries
from hypervisor.embedded.errors import (
    AlreadyRunningError,
    BinaryNotFoundError,
    DataFolderError,
    StartFailedError,
)
from hypervisor.embedded.leftovers import disown_pid_file
from hypervisor.embedded.location import SOCKET_PATH_LIMIT, DataDirLock, prepare_location
from hypervisor.embedded.postgres import postgres_server
from hypervisor.embedded.process import Guard, clear, stop
from hypervisor.embedded.servers import embedded_servers, start_server
from hypervisor.embedded.urls import celery_broker_url, redis_url
from hypervisor.embedded.valkey import valkey_server

from .processes import eventually, processes_naming


@pytest.fixture
def guard():
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def location(tmp_path):
    return prepare_location(tmp_path / "data")


def postgres_at(location):
    return postgres_server(data=location.postgres, sockets=location.sockets)


def valkey_at(location):
    return valkey_server(data=location.valkey, socket=location.valkey_socket)


def test_what_postgres_has_committed_survives_kill_9(location, guard):
    server, log = postgres_at(location), location.logs / "postgres.log"
    process = start_server(server, guard=guard, log=log)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(process.pid, signal.SIGKILL)
    clear(process, guard=guard)
    assert eventually(lambda: not processes_naming(str(location.postgres)))

    process = start_server(server, guard=guard, log=log)
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    stop(process, server.spec(), guard=guard)


def test_what_valkey_has_accepted_survives_kill_9(location, guard):
    server, log = valkey_at(location), location.logs / "valkey.log"
    process = start_server(server, guard=guard, log=log)
    redis.Redis.from_url(server.url).rpush("queue", "a task")
    os.kill(process.pid, signal.SIGKILL)
    clear(process, guard=guard)

    process = start_server(server, guard=guard, log=log)
    assert redis.Redis.from_url(server.url).lrange("queue", 0, -1) == [b"a task"]
    stop(process, server.spec(), guard=guard)


def test_celery_reaches_the_same_database_of_valkey_as_redis(location, guard):
    server = valkey_at(location)
    process = start_server(server, guard=guard, log=location.logs / "valkey.log")
    url = redis_url(socket=location.valkey_socket, database=3)
    with Connection(celery_broker_url(url)) as connection, connection.SimpleQueue("work") as queue:
        queue.put("a task")
        assert redis.Redis.from_url(url).llen("work") == 1
    stop(process, server.spec(), guard=guard)


def test_postgres_is_utf_8_in_utc_durable_and_reachable_by_its_socket_alone(location, guard):
    server = postgres_at(location)
    process = start_server(server, guard=guard, log=location.logs / "postgres.log")
    with psycopg.connect(server.url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("server_encoding", "timezone", "fsync", "listen_addresses", "max_connections")
        }
    stop(process, server.spec(), guard=guard)
    assert shown == {
        "server_encoding": "UTF8",
        "timezone": "UTC",
        "fsync": "on",
        "listen_addresses": "",
        "max_connections": "200",
    }


def test_a_path_too_long_for_a_socket_gets_its_sockets_elsewhere(tmp_path, guard):
    location = prepare_location(tmp_path / ("long" * 25) / "with a space")
    assert len(str(location.sockets / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT
    assert " " not in str(location.sockets)
    server = valkey_at(location)
    process = start_server(server, guard=guard, log=location.logs / "valkey.log")
    assert redis.Redis.from_url(server.url).ping()
    stop(process, server.spec(), guard=guard)
    guard.remove_at_end(location.sockets)


def test_two_data_folders_never_share_their_sockets(tmp_path):
    long = tmp_path / ("long" * 25)
    first, second = prepare_location(long / "a"), prepare_location(long / "b")
    assert first.sockets != second.sockets
    first.sockets.rmdir()
    second.sockets.rmdir()


def test_a_second_owner_is_refused_and_told_where_the_first_one_serves(location):
    with DataDirLock(location, address="http://127.0.0.1:8123"):
        with (
            pytest.raises(AlreadyRunningError) as refusal,
            DataDirLock(location, address="http://127.0.0.1:8124"),
        ):
            pass
        assert "http://127.0.0.1:8123" in str(refusal.value)
        assert refusal.value.pid == os.getpid()
    with DataDirLock(location, address=None):
        assert json.loads((location.data_dir / "lock").read_text())["pid"] == os.getpid()


def test_a_data_folder_that_cannot_be_made_is_refused_with_what_to_set(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="Set DATA_DIR"):
        prepare_location(tmp_path / "file" / "data")


def test_a_server_named_in_the_environment_is_not_embedded(location):
    given = {"DATABASE_URL": "postgres://elsewhere/db"}
    assert list(embedded_servers(location, environment=given)) == ["REDIS_URL"]
    assert not embedded_servers(location, environment={**given, "REDIS_URL": "redis://elsewhere/0"})


@pytest.mark.parametrize(
    ("find", "variable"), [(binaries.find_postgres, "DATABASE_URL"), (binaries.find_valkey, "REDIS_URL")]
)
def test_without_binaries_the_error_says_what_to_install_and_what_to_set(
    find, variable, monkeypatch, tmp_path
):
    monkeypatch.setattr(binaries, "_package_folders", lambda package: [])
    monkeypatch.setattr(binaries, "_SYSTEM_POSTGRES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinaryNotFoundError) as refusal:
        find()
    assert "install" in str(refusal.value)
    assert variable in str(refusal.value)


def test_binaries_that_do_not_run_here_are_passed_over(monkeypatch, tmp_path):
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(binaries, "_package_folders", lambda package: [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinaryNotFoundError, match=str(broken)):
        binaries.find_valkey()


def test_a_cluster_of_a_version_that_is_not_here_is_not_touched(location):
    location.postgres.mkdir()
    (location.postgres / "PG_VERSION").write_text("9\n")
    with pytest.raises(BinaryNotFoundError, match="PostgreSQL 9"):
        postgres_at(location)


def test_a_server_that_does_not_start_says_why(location, guard):
    location.postgres.mkdir(mode=0o700)
    major = binaries.find_postgres().major
    (location.postgres / "PG_VERSION").write_text(f"{major}\n")
    with pytest.raises(StartFailedError, match=r"postgresql\.conf"):
        start_server(postgres_at(location), guard=guard, log=location.logs / "postgres.log")


def test_postgres_starts_although_a_stranger_has_the_number_in_its_old_pid_file(location, guard):
    server, log = postgres_at(location), location.logs / "postgres.log"
    process = start_server(server, guard=guard, log=log)
    os.kill(process.pid, signal.SIGKILL)
    clear(process, guard=guard)
    stranger = subprocess.Popen(["sleep", "1000"])
    for path in (location.postgres / "postmaster.pid", location.sockets / ".s.PGSQL.5432.lock"):
        path.write_text(path.read_text().replace(str(process.pid), str(stranger.pid), 1))
    assert eventually(lambda: not processes_naming(str(location.postgres)))
    process = start_server(server, guard=guard, log=log)
    assert server.is_ready(process.pid)
    stop(process, server.spec(), guard=guard)
    stranger.kill()
    stranger.wait()


def test_the_pid_file_of_a_living_postgres_is_left_alone(location, guard):
    server, log = postgres_at(location), location.logs / "postgres.log"
    process = start_server(server, guard=guard, log=log)
    disown_pid_file(location.postgres / "postmaster.pid", data=location.postgres)
    assert server.is_ready(process.pid)
    stop(process, server.spec(), guard=guard)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root has something to give up")
def test_postgres_never_runs_as_root_with_roots_rights(location, guard):
    server = postgres_at(location)
    process = start_server(server, guard=guard, log=location.logs / "postgres.log")
    with open(f"/proc/{process.pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    namespace = os.readlink(f"/proc/{process.pid}/ns/user")
    stop(process, server.spec(), guard=guard)
    assert namespace != os.readlink("/proc/self/ns/user") or status["Uid"].split()[0] != "0"
