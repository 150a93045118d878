"""The parts of the chaos at engines that need no engine: who is struck, and what counts as broken."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from hypervisor.demo.docker.relay import Hit
from hypervisor.demo.docker.sampler import Highest, Use
from hypervisor.demo.docker.traffic import Kind, Request
from hypervisor.demo.engine_chaos.jobs import EXITED, Job, Stop, jobs_of_round
from hypervisor.demo.engine_chaos.judge import Seen, ended_wrongly, unsettled, wrong
from hypervisor.demo.engine_chaos.totals import KINDS, Totals
from hypervisor.demo.engine_chaos.trap import LONGEST_DELAY_SECONDS, MOST_PASSED, Trap
from hypervisor.demo.engine_chaos.workers import is_engine_worker

from .processes import eventually

LOOK = Request("GET", "/containers/json", 0)
START = Request("POST", "/containers/create", 2)
KILL = Request("POST", "/containers/a/kill", 0)
REQUESTS = {Kind.START: START, Kind.STOP: KILL, Kind.RECONCILE: LOOK}


@pytest.mark.parametrize("kind", KINDS)
def test_an_armed_trap_strikes_once_among_the_next_few_of_its_kind(kind):
    for seed in range(50):
        trap = Trap(random.Random(seed), lambda pid: True)
        trap.arm(kind)
        others = [trap(request, 1) for other, request in REQUESTS.items() if other is not kind]
        blows = [trap(REQUESTS[kind], 1) for _ in range(MOST_PASSED[kind] + 5)]
        assert not any(others)
        (blow,) = [blow for blow in blows if blow]
        assert blow in blows[: MOST_PASSED[kind] + 1]
        assert 0 <= blow.delay_seconds <= LONGEST_DELAY_SECONDS
        assert blow.forward or not blow.delay_seconds


def test_a_trap_strikes_nobody_else_and_nobody_when_disarmed():
    trap = Trap(random.Random(1), lambda pid: pid == 7)
    assert trap(LOOK, 7) is None
    trap.arm(Kind.RECONCILE)
    assert not any(trap(LOOK, 8) for _ in range(20))
    assert trap.disarm()
    assert not any(trap(LOOK, 7) for _ in range(20))
    assert not trap.disarm()


def words_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_only_workers_of_the_engines_may_be_killed():
    assert not is_engine_worker(os.getpid())
    assert not is_engine_worker(2**22 + 1)
    sleeper = "import time; time.sleep(60)"
    for arguments, expected in (
        (["worker", "--queues=engines"], True),
        (["worker", "--queues=hypervisor"], False),
    ):
        process = subprocess.Popen([sys.executable, "-c", sleeper, *arguments])
        try:
            assert eventually(lambda process=process: b"worker" in words_of(process.pid))
            assert is_engine_worker(process.pid) is expected
        finally:
            process.kill()
            process.wait()


QUIET = {"live": {"run-1": "running"}, "running": frozenset({"run-1"}), "starts": {"run-1": 1, "run-0": 1}}


def test_all_is_well_when_books_and_engine_agree():
    seen = Seen(**QUIET, foreign={"stranger": True})
    assert unsettled(seen) == []
    assert wrong(seen) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"running": frozenset({"run-1", "run-2"})}, "without a live run: run-2"),
        ({"running": frozenset()}, "does not run on the engine: run-1"),
        ({"live": {"run-1": "stopping"}}, "neither running nor over: run-1 (stopping)"),
        ({"differences": ["cpu"]}, "the books differ from the runs: cpu"),
        ({"starts": {"run-1": 2}}, "started more than once: run-1 (2 times)"),
        ({"leaked_devices": 3}, "3 devices"),
        ({"foreign": {"stranger": False}}, "none of ours is gone: stranger"),
    ],
)
def test_each_broken_promise_is_named(changes, word):
    (line,) = wrong(Seen(**QUIET | changes))
    assert word in line


def test_each_deployment_must_end_as_it_should():
    jobs = {
        1: Job("good", "true"),
        2: Job("bad", "exit 3", good=EXITED),
        3: Job("gone", "true"),
        4: Job("cut", "x"),
    }
    rows = {
        1: {"status": "completed", "reason": None},
        2: {"status": "completed", "reason": None},
        4: {"status": "failed", "reason": "exited_with_error"},
    }
    lines = ended_wrongly(jobs, rows)
    assert [line.split(" ")[0] for line in lines] == ["bad", "gone", "cut"]
    assert "lost" in lines[1]
    assert len(ended_wrongly(jobs, rows, cut_off=True)) == 2


def test_a_round_always_has_what_its_kind_needs_and_the_same_seed_plays_the_same():
    for kind in KINDS:
        for seed in range(30):
            jobs = jobs_of_round(7, kind, random.Random(seed))
            assert len({job.name for job in jobs}) == len(jobs)
            assert all(job.good and job.name.startswith("0007-") for job in jobs)
            if kind is Kind.STOP:
                assert any(job.stop is Stop.RUNNING for job in jobs)
            assert jobs == jobs_of_round(7, kind, random.Random(seed))


def test_totals_tell_when_the_hits_came():
    totals = Totals()
    totals.hits += [Hit(1, START, False, False), Hit(2, START, True, False), Hit(3, KILL, True, True)]
    assert totals.hits_in_words() == "start 2, stop 1, reconcile 0"
    assert totals.moments_in_words(Kind.START).startswith(
        "2: 1 before the engine got it, 1 while it was at it, 0 when"
    )
    assert not totals.enough(1)
    totals.hits.append(Hit(4, LOOK, True, False))
    assert totals.enough(1)


def test_a_sample_above_what_there_is_is_told():
    highest = Highest()
    highest.add(Use(2, 1500, 100), Use(0, 2000, 200))
    assert not highest.over
    highest.add(Use(3, 2100, 150), Use(0, 2000, 200))
    assert len(highest.over) == 1
    assert highest.use == Use(3, 2100, 150)
