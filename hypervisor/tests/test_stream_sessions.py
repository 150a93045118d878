"""One log for many readers: none of them waits for another, and each is told what it missed."""

import asyncio

import pytest

from deployments.log_protocol import Session
from hypervisor.stream import session as sessions
from hypervisor.stream.follow import pieces
from hypervisor.stream.session import Failure, Followed


def followed(*, follow=True, tail=1000):
    return Followed(Session(1, tail, follow, "t"), followers=1)


class NoHub:
    rung = 0

    async def ring(self):
        self.rung += 1


def read(session, position=0, hub=None):
    async def all_of_it():
        lost = asyncio.get_running_loop().create_future()
        return b"".join([piece async for piece in pieces(hub or NoHub(), session, position, lost)])

    return asyncio.run(all_of_it())


def test_a_log_is_read_to_its_end():
    log = followed()
    for kind, data in (("taken", b""), ("open", b""), ("data", b"one\n"), ("data", b"two\n"), ("end", b"")):
        log.take_entry(kind, data, 0)
    assert read(log) == b"one\ntwo\n"


def test_who_waits_gets_each_piece_as_it_comes():
    async def both():
        log, got = followed(), []

        async def reader():
            async for piece in pieces(NoHub(), log, 0, asyncio.get_running_loop().create_future()):
                got.append(piece)

        task = asyncio.create_task(reader())
        for data in (b"one\n", b"two\n"):
            log.take_entry("data", data, 0)
            await asyncio.sleep(0.01)
        assert got == [b"one\n", b"two\n"]
        log.take_entry("end", b"", 0)
        await asyncio.wait_for(task, 1)

    asyncio.run(both())


def test_who_falls_behind_is_told_how_much_it_missed_and_goes_on_with_a_whole_line(monkeypatch):
    monkeypatch.setattr(sessions, "BUFFER_BYTES", 100)
    monkeypatch.setattr(sessions, "SLACK_BYTES", 10)
    log = followed()
    lines = [b"line %03d\n" % number for number in range(100)]
    for line in lines:
        log.take_entry("data", line, 0)
    log.take_entry("end", b"", 0)
    told, _, rest = read(log).partition(b" \xe2\x80\xa6\n")
    skipped = int(told.split()[1])
    assert b"".join(lines)[skipped:] == rest
    assert rest.startswith(b"line ")
    assert len(rest) <= 110


def test_a_late_joiner_begins_with_its_tail():
    for tail, begins in ((1, b"two\n"), (2, b"one\ntwo\n"), (9, b"one\ntwo\n"), (0, b"")):
        log = followed(tail=tail)
        log.take_entry("data", b"one\ntwo\n", 0)
        log.take_entry("end", b"", 0)
        assert read(log, log.offset_of_tail()) == begins


def test_a_failure_before_the_log_is_open_is_an_answer_of_its_own():
    log = followed()
    log.take_entry("taken", b"", 0)
    log.take_entry("error", b"The engine does not answer.", 502)
    assert (log.failure, log.is_over, log.is_open) == (
        Failure(502, "The engine does not answer."),
        True,
        False,
    )


def test_a_failure_later_is_the_last_line():
    log = followed()
    log.take_entry("data", b"half a li", 0)
    log.take_entry("error", b"The engine went away.", 502)
    assert read(log).decode() == "half a li\n… the log ends here: The engine went away. …\n"


def test_another_worker_s_beginning_is_announced():
    log = followed()
    for kind in ("open", "data", "again", "taken", "open", "data", "end"):
        log.take_entry(kind, b"one\n" if kind == "data" else b"", 0)
    assert read(log).decode() == f"one\n{sessions.INTERRUPTED}\none\n"


@pytest.mark.parametrize("follow", [True, False])
def test_only_what_is_read_once_waits_for_its_reader(monkeypatch, follow):
    monkeypatch.setattr(sessions, "BUFFER_BYTES", 100)
    log, hub = followed(follow=follow), NoHub()
    log.take_entry("data", b"x" * 150, 0)
    assert log.is_full is not follow
    log.take_entry("end", b"", 0)
    assert read(log, hub=hub) == b"x" * 150
    assert hub.rung == (0 if follow else 1)
