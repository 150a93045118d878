"""The processes of the service itself, as children of the supervisor."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from hypervisor.embedded.process import ProcessSpec
from hypervisor.supervisor.address import Address

PROJECT = Path(__file__).resolve().parents[2]
WEB_WORKERS, WEB_THREADS, TASK_PROCESSES, ENGINE_THREADS = 2, 3, 2, 16
MOST_CONNECTIONS = 4096
"""Of the stream process: each follower of a log holds one for as long as it follows."""

WORKER_GRACE_SECONDS = 30.0
"""A task in hand may finish; the rest waits in the broker."""


def fresh_metrics_folder(data_dir: Path) -> Path:
    """Where the web processes count together; emptied, since counters begin at 0 with the service."""
    folder = data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def service_specs(
    *, address: Address, environment: Mapping[str, str], metrics: Path, web_socket: Path
) -> tuple[ProcessSpec, ...]:
    """Web, stream, worker, engines and beat, in the order to start them."""
    celery = ("-m", "celery", "--app", "hypervisor")
    quiet = ("--without-gossip", "--without-mingle")  # one worker has nobody to talk to
    return (
        _spec(
            "web", "-m", "granian", *_web(web_socket),
            environment={**environment, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        ),
        _spec(
            "stream", "-m", "granian", *_stream(address),
            environment={**environment, "WEB_UPSTREAM": f"unix://{web_socket}"},
        ),
        _spec(
            "worker", *celery, "worker", "--queues=hypervisor", f"--concurrency={TASK_PROCESSES}",
            "--hostname=worker@%h", "--loglevel=INFO", *quiet,
            environment=environment, grace_seconds=WORKER_GRACE_SECONDS,
        ),
        _spec(
            "engines", *celery, "worker", "--queues=engines,webhooks", "--pool=threads",
            f"--concurrency={ENGINE_THREADS}", "--hostname=engines@%h", "--loglevel=INFO", *quiet,
            environment=environment, grace_seconds=WORKER_GRACE_SECONDS,
        ),
        _spec(
            "beat", *celery, "beat", "--loglevel=INFO", "--pidfile=",
            environment=environment,
        ),
    )  # fmt: skip


def _web(socket: Path) -> tuple[str, ...]:
    return (
        "--interface=wsgi", f"--uds={socket}", "--uds-permissions=600",
        f"--workers={WEB_WORKERS}", f"--blocking-threads={WEB_THREADS}",
        "--respawn-failed-workers", "--workers-kill-timeout=5", "--no-ws", "hypervisor.wsgi:application",
    )  # fmt: skip


def _stream(address: Address) -> tuple[str, ...]:
    return (
        "--interface=asgi", "--http=1", f"--host={address.host}", f"--port={address.port}",
        "--workers=1", f"--backpressure={MOST_CONNECTIONS}",
        "--respawn-failed-workers", "--workers-kill-timeout=5", "--no-ws", "hypervisor.stream.app:application",
    )  # fmt: skip


def _spec(
    name: str, *arguments: str, environment: Mapping[str, str], grace_seconds: float = 10.0
) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        argv=(sys.executable, *arguments),
        env=environment,
        cwd=PROJECT,
        grace_seconds=grace_seconds,
    )
