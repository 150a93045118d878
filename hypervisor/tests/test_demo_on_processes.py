"""The demo against real processes: web, worker, beat, PostgreSQL and Valkey under the supervisor."""

import io

import pytest
from rich.console import Console

from hypervisor.demo.chaos.service import own_service
from hypervisor.demo.run import Options, run_demo

pytestmark = pytest.mark.processes


def test_every_job_ends_once_and_the_books_balance_although_a_worker_is_killed():
    with own_service() as service:
        worker = service.find("queues=hypervisor", child=" worker ")
        service.kill(worker)
        out = io.StringIO()
        code = run_demo(Options(service.url, jobs=20, seconds=4, timeout=90), Console(file=out, width=100))
        assert code == 0, out.getvalue()
        assert "What became of the jobs" in out.getvalue()
        books = service.manage("check_books")
        assert (books.returncode, books.stdout.strip()) == (0, "0 differences"), books.stderr
        assert service.find("queues=hypervisor", child=" worker ").pid != worker.pid
