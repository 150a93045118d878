"""`manage.py simulator`: what can go wrong with an engine, on purpose, while one tries the service out."""

import argparse
import math
from datetime import UTC, datetime
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis import RedisError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clusters.models import Cluster, Runtime
from clusters.redis import redis_client
from clusters.runtimes.base import Observed
from clusters.runtimes.simulated_connection import MAX_SECONDS
from clusters.runtimes.simulated_engine import SimulatedEngine

UNBOUND_WIDTH = 120
LAST = datetime.max.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Look into the simulated engine of a cluster, or make it slow, forgetful, lying or unreachable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cluster_id", type=int)
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help="its containers as they truly are")
        slow = verbs.add_parser("slow", help="containers take long to start, or to end")
        slow.add_argument("--start", type=_seconds, metavar="SECONDS")
        slow.add_argument("--stop", type=_seconds, metavar="SECONDS")
        lose = verbs.add_parser("lose", help="one container vanishes")
        lose.add_argument("name")
        verbs.add_parser("lose-all", help="every container vanishes, as after a power cut")
        away = verbs.add_parser("unreachable", help="the engine does not answer for so long")
        away.add_argument("seconds", type=_seconds)
        lie = verbs.add_parser("lie", help="the engine says that one has ended, which truly runs on")
        lie.add_argument("name")
        lie.add_argument("--exit-code", type=int, default=0, choices=range(256), metavar="0–255")
        lie.add_argument(
            "--runs-on", action="store_true", help="it says instead that it runs, also when it ended"
        )
        verbs.add_parser("heal", help="quick, truthful and reachable again")

    def handle(self, *_: Any, **options: Any) -> None:
        cluster = Cluster.objects.filter(
            pk=options["cluster_id"], runtime=Runtime.SIMULATED, deleted_at=None
        ).first()
        if cluster is None:
            raise CommandError(f"There is no simulated cluster {options['cluster_id']}.")
        engine = SimulatedEngine(redis_client(), cluster.engine_id.hex)
        try:
            said = _turn(engine, options)
            if said:
                self.stdout.write(said)
            else:
                self._show(cluster, engine)
        except KeyError as error:
            raise CommandError(
                f"There is no container {options['name']} on this engine. See:  simulator {cluster.pk} list"
            ) from error
        except RedisError as error:
            raise CommandError(f"The Redis under the simulated engine does not answer: {error}") from error

    def _show(self, cluster: Cluster, engine: SimulatedEngine) -> None:
        containers = sorted(engine.containers(), key=lambda found: (found.started_at or LAST, found.name))
        cpu, ram, gpu = engine.held()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column in ("container", "phase", "started", "ended", "exit code", "detail"):
            table.add_column(column, overflow="fold")
        for container in containers:
            table.add_row(*map(Text, _row(container)))
        console = Console(
            file=cast(Any, self.stdout),
            width=None if self.stdout.isatty() else UNBOUND_WIDTH,
            highlight=False,
        )
        if containers:
            console.print(table)
        console.print(
            f"{len(containers)} containers on cluster {cluster.pk}; those that live hold "
            f"{gpu / 1000:g} GPUs, {cpu / 1000:g} cores, {ram / 1024:g} GB."
        )


def _turn(engine: SimulatedEngine, options: dict[str, Any]) -> str:
    """What was done, in a sentence; nothing for `list`. Raises KeyError for an unknown container."""
    match options["verb"]:
        case "slow":
            start, stop = options["start"], options["stop"]
            if start is None and stop is None:
                raise CommandError("Say --start SECONDS, --stop SECONDS or both.")
            engine.slow(start_seconds=start, stop_seconds=stop)
            times = [
                f"{time:g} s to {what}"
                for what, time in (("start", start), ("end", stop))
                if time is not None
            ]
            return f"Containers take {' and '.join(times)}, until you say heal."
        case "lose":
            engine.lose(options["name"])
            return f"{options['name']} has vanished."
        case "lose-all":
            engine.lose_all()
            return "Every container has vanished."
        case "unreachable":
            engine.unreachable(options["seconds"])
            return f"The engine does not answer for {options['seconds']:g} s, or until you say heal."
        case "lie":
            engine.lie(options["name"], exit_code=options["exit_code"], ended=not options["runs_on"])
            tale = "runs on and on" if options["runs_on"] else f"has ended with {options['exit_code']}"
            return f"The engine says that {options['name']} {tale}, until you say heal."
        case "heal":
            engine.heal()
            return "The engine is quick, truthful and reachable again."
    return ""


def _seconds(words: str) -> float:
    try:
        seconds = float(words)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{words!r} is not a number of seconds from 0 to {MAX_SECONDS}.")
    return seconds


def _row(container: Observed) -> tuple[str, ...]:
    started, ended = (f"{at:%H:%M:%S}" if at else "" for at in (container.started_at, container.ended_at))
    code = "" if container.exit_code is None else str(container.exit_code)
    return container.name, container.phase.value, started, ended, code, container.detail
