"""The Docker driver and what answers as no engine should."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.runtimes.base import Owner, Phase, RuntimeFailure
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_observed import Details, Memory, details_of
from clusters.runtimes.docker_refusals import init_failure, pull_failure, start_failure
from clusters.runtimes.docker_spec import RUN, container_name, create_body
from clusters.runtimes.docker_streams import LogStream
from clusters.runtimes.endpoints import Endpoint, Scheme
from clusters.runtimes.http import Answer, EngineHTTP

from .docker_engine import STAFF, refusal, spec
from .engine_server import read_request, server

OWNER = Owner("a" * 32, "b" * 32)
HANDLE = container_name(OWNER, "run-1")
LABELS = create_body(spec("x", ram_mib=1), OWNER, "n")["Labels"] | {RUN: "run-1"}
Reply = tuple[int, object] | Callable[[str, str], tuple[int, object]]


@contextmanager
def engine(path: str, reply: Reply) -> Iterator[DockerDriver]:
    """A driver of an engine that answers everything with this, or by method and path."""

    def serve(sock: socket.socket) -> None:
        while request := read_request(sock).decode():
            method, target, _ = request.split(" ", 2)
            status, body = reply(method, target) if callable(reply) else reply
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            sock.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content))

    with server(serve, path=path):
        door = EngineHTTP(Endpoint(Scheme.UNIX, path=path), STAFF)
        yield DockerDriver(door, OWNER)
        door.close()


CALLS: dict[str, Callable[[DockerDriver], object]] = {
    "check": lambda driver: driver.check(),
    "observe": lambda driver: driver.observe(),
    "start": lambda driver: driver.start(spec("x")),
    "stop": lambda driver: driver.stop(HANDLE, 1),
    "remove": lambda driver: driver.remove(HANDLE),
    "logs": lambda driver: list(driver.logs(HANDLE, 5)),
    "needs_pull": lambda driver: driver.needs_pull(spec("x")),
    "pull": lambda driver: driver.pull(spec("x"), print),
    "changes": lambda driver: list(driver.changes()),
}


@pytest.mark.parametrize("call", ["check", "observe", "start", "stop", "remove", "logs"])
@pytest.mark.parametrize(
    "body",
    [
        "SECRET", "", 7, "[]x", {}, {"message": "SECRET"}, [None], [{"Id": "x"}], ["SECRET"],
        {"State": "SECRET", "Config": {"Labels": LABELS}}, {"Config": {"Labels": 7}},
        [{"Id": "x", "Labels": LABELS, "Names": [f"/{HANDLE}"], "State": "SECRET"}],
        {"ApiVersion": "x", "Version": "SECRET"}, {"ApiVersion": "1.41", "Version": "SECRET", "NCPU": "SECRET"},
    ],
)  # fmt: skip
def test_an_answer_of_a_wrong_shape_is_a_failure_in_our_words_or_nothing(
    tmp_path, call: str, body: object
) -> None:
    with engine(str(tmp_path / "s"), (200, body)) as driver:
        failure = failure_or_none(lambda: CALLS[call](driver))
    assert failure is None or not failure.permanent
    assert "SECRET" not in str(failure)


def failure_or_none(call: Callable[[], object]) -> RuntimeFailure | None:
    try:
        call()
    except RuntimeFailure as failure:
        return failure
    return None


@pytest.mark.parametrize("body", ["SECRET", {}, 7, [None], [{"Id": "x"}]])
def test_a_list_of_a_wrong_shape_is_told(tmp_path, body: object) -> None:
    with engine(str(tmp_path / "s"), (200, body)) as driver:
        assert str(refusal(driver.observe)) == "What answers there does not speak as a Docker engine."


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [401, 403, 418, 500, 503])
def test_an_unknown_refusal_is_told_by_its_number_and_may_be_tried_again(
    tmp_path, call: str, status: int
) -> None:
    with engine(str(tmp_path / "s"), (status, {"message": "SECRET"})) as driver:
        failure = refusal(lambda: CALLS[call](driver))
    assert not failure.permanent
    assert "SECRET" not in str(failure)
    assert str(status) in str(failure) or call == "pull"


def test_a_newer_engine_that_gave_our_version_up_is_spoken_to_in_its_oldest(tmp_path) -> None:
    asked = []

    def reply(method: str, target: str) -> tuple[int, object]:
        asked.append(target.split("?")[0])
        if target.startswith("/v1.41/"):
            return 400, {
                "message": "client version 1.41 is too old. Minimum supported API version is 1.44, ..."
            }
        return 200, []

    with engine(str(tmp_path / "s"), reply) as driver:
        assert driver.observe() == driver.observe() == ()
    assert asked == ["/v1.41/containers/json", "/v1.44/containers/json", "/v1.44/containers/json"]
    asked.clear()
    with engine(str(tmp_path / "t"), reply) as driver:
        driver.changes().close()
    assert asked == ["/v1.41/_ping", "/v1.44/_ping", "/v1.44/events"]


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"ApiVersion": "1.40", "Version": "19.03"}),
        (400, {"message": "client version 1.41 is too new. Maximum supported API version is 1.40"}),
    ],
)
def test_an_engine_that_is_too_old_is_refused_with_what_to_do(tmp_path, reply: Reply) -> None:
    with engine(str(tmp_path / "s"), reply) as driver:
        failure = refusal(driver.check)
    assert (str(failure), failure.permanent) == (
        "This Docker engine is too old. Install version 20.10 or newer.", True,
    )  # fmt: skip


def test_gpus_that_a_newer_engine_names_are_counted(tmp_path) -> None:
    devices = [{"Source": "cdi", "ID": f"nvidia.com/gpu={name}"} for name in ("0", "1", "all", "GPU-uuid")]
    told = {
        "ApiVersion": "1.50", "Version": "28.3", "NCPU": 4, "MemTotal": 8 << 30, "Runtimes": {"runc": {}, "nvidia": {}},
        "SecurityOptions": [], "MemoryLimit": False, "DiscoveredDevices": devices,
    }  # fmt: skip
    with engine(str(tmp_path / "s"), (200, told)) as driver:
        facts = driver.check()
    assert facts.capacity == (4000, 8192, 2000)
    assert (facts.facts["gpus"], facts.facts["has_nvidia"]) == (2, True)
    assert len(facts.facts["warnings"]) == 2


def test_a_container_that_is_gone_between_two_looks_is_left_out(tmp_path) -> None:
    listed = [{"Id": "gone", "Labels": LABELS, "Names": [f"/{HANDLE}"], "State": "running"}]
    with engine(
        str(tmp_path / "s"), lambda _, path: (200, listed) if "/json?" in path else (404, {})
    ) as driver:
        assert driver.observe() == ()


@pytest.mark.parametrize(
    ("status", "said"), [(404, ""), (409, "removal of container x is already in progress"), (204, "")]
)
def test_a_removal_that_somebody_else_does_is_fine(tmp_path, status: int, said: str) -> None:
    inspected = {"Config": {"Labels": LABELS}, "State": {"Status": "exited"}}

    def reply(method: str, path: str) -> tuple[int, object]:
        if method == "DELETE":
            return status, "" if status == 204 else {"message": said}
        return 200, inspected if HANDLE in path else []

    with engine(str(tmp_path / "s"), reply) as driver:
        driver.remove(HANDLE)
        assert driver.remove_many([HANDLE]) == {}


class Pieces:
    """A stream of these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.closed = pieces, False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed = True


def frame(kind: int, content: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(content).to_bytes(4) + content


@given(
    contents=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    lost=st.integers(0, 30),
)
@settings(max_examples=100, deadline=None)
def test_frames_are_put_together_wherever_they_were_cut(contents, cuts, lost: int) -> None:
    whole = b"".join(frame(kind, content) for kind, content in contents)
    kept = whole[: max(0, len(whole) - lost)]
    edges = sorted({0, len(kept), *(cut for cut in cuts if cut < len(kept))})
    pieces = [kept[a:b] for a, b in pairwise(edges)]
    text = b"".join(content for _, content in contents)
    seen = b"".join(LogStream(Pieces(*pieces)))
    assert text.startswith(seen)
    assert lost or seen == text


@pytest.mark.parametrize("start", [b"\x03\x00\x00\x00\x00\x00\x00\x01x", b"HTTP/1.1 200"])
def test_what_is_no_frame_ends_the_log(start: bytes) -> None:
    pieces = Pieces(start)
    with pytest.raises(RuntimeFailure):
        list(LogStream(pieces))
    assert pieces.closed


def test_the_memory_is_bounded_and_each_clusters_own() -> None:
    memory = Memory(most=2)
    for number in range(3):
        memory.put("one", str(number), Details(Phase.RUNNING))
    assert memory.get("one", "0", Phase.RUNNING) is None
    assert memory.get("one", "2", Phase.RUNNING) is not None
    assert memory.get("two", "2", Phase.RUNNING) is None
    assert memory.get("one", "2", Phase.ENDED) is None


def test_times_are_utc_to_the_microsecond_and_never_is_none() -> None:
    state = {
        "Status": "exited", "StartedAt": "2026-01-02T03:04:05.123456789+01:00", "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 0, "OOMKilled": True,
    }  # fmt: skip
    details = details_of({"State": state}, timedelta(seconds=60))
    assert details.started_at == datetime(2026, 1, 2, 2, 3, 5, 123456, UTC)
    assert (details.ended_at, details.cause) == (None, None)  # a helper was killed, and the whole ended well


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_nothing_that_an_engine_says_is_quoted(said: str) -> None:
    for failure in (
        start_failure(Answer(500, {"message": said})),
        pull_failure(said.lower()),
        init_failure(said),
    ):
        assert failure is None or len(said) < 12 or said not in str(failure)
