"""`python -m hypervisor.demo.engine_chaos.nursery COUNT worker …`: so many Celery workers, each replaced when it dies.

Loading the service takes a second of CPU, and hundreds of workers die here: each is a fork of one that has loaded it
and has not connected to anything yet.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType


def main(count: int, arguments: list[str]) -> int:
    """Keep `count` workers alive until a SIGTERM, which they get too."""
    import django

    django.setup()
    from hypervisor.celery import app

    app.loader.import_default_modules()
    app.finalize()
    alive: set[int] = set()
    born = 0
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while alive or not stopped:
        while len(alive) < count and not stopped:
            born += 1
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                app.worker_main([*arguments, f"--hostname=extra-{born}@%h"])
                os._exit(0)
            alive.add(pid)
        with suppress(ChildProcessError):
            alive.discard(os.wait()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
