"""`manage.py demo`: a real workload on a running service."""

import os
import sys
from typing import Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from hypervisor.demo.run import Options, find_url, run_demo
from hypervisor.demo.trace import load

UNBOUND_WIDTH = 120


class Command(BaseCommand):
    help = (
        "Fill a running service over HTTP with jobs of the real Philly trace, and show what becomes of them."
    )
    # It speaks HTTP alone, also to a service elsewhere: no database of its own has to be right.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="the service (default: the one that runs here)")
        parser.add_argument("--jobs", type=int, default=300, help="how many (default: %(default)s)")
        parser.add_argument(
            "--seconds",
            type=float,
            default=60.0,
            help="wall time in which they arrive (default: %(default)s)",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=420.0,
            help="end unfinished after so many seconds (default: %(default)s)",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        most = len(load())
        if not 1 <= options["jobs"] <= most:
            raise CommandError(
                f"--jobs takes a number from 1 to {most}: so many jobs are in the trace's copy."
            )
        for name in ("seconds", "timeout"):
            if not 1 <= options[name] <= 86_400:
                raise CommandError(f"--{name} takes seconds from 1 to 86400.")
        url = options["url"] or find_url(data_dir=os.environ.get("DATA_DIR", ""), port=settings.PORT)
        console = Console(
            file=cast(Any, self.stdout._out),
            width=None if self.stdout.isatty() else UNBOUND_WIDTH,
            no_color=options["no_color"] or None,
        )
        code = run_demo(
            Options(url.rstrip("/"), options["jobs"], options["seconds"], options["timeout"]), console
        )
        if code:
            sys.exit(code)
