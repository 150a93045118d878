"""`python -m hypervisor.demo.contention`: beside a throwaway database and broker, as `make contention` does.

Operators submit, stop, cancel, move, resize, shrink, pause and change policies at random while schedulers and
reconcilers work on the same clusters. The database itself refuses any write that books more than a cluster has, and
an auditor compares books and runs all along.
"""

import argparse
import multiprocessing
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
os.environ["SCHEDULER_HINTS"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"

from rich.console import Console

from hypervisor.demo.contention.hands import Account, work

OPERATORS, RECONCILERS = 3, 1
PATIENCE_SECONDS = 3600.0
"""Nobody plays for longer; a process that was killed never reports."""


def main() -> int:
    """The exit code: 0 if nothing was ever overbooked, and books and runs agreed all along."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--schedulers", type=int, default=4)
    parser.add_argument("--organizations", type=int, default=3)
    parser.add_argument("--clusters", type=int, default=2, help="of each organization")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    account = contend(
        operations=options.operations,
        schedulers=options.schedulers,
        organizations=options.organizations,
        clusters=options.clusters,
        seed=options.seed,
    )
    _print(Console(highlight=False, width=118), account, time.monotonic() - began, options.operations)
    return 1 if account.broken else 0


def contend(*, operations: int, schedulers: int, organizations: int, clusters: int, seed: int) -> Account:
    """Play it through, and answer what all did together."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from deployments.books import differences_between_books_and_runs
    from hypervisor.demo.contention.world import build

    call_command("migrate", verbosity=0, interactive=False)
    world = build(organizations=organizations, clusters=clusters)
    connections.close_all()
    # Forked, with no connection open: each would need seconds to set Django up anew.
    context = multiprocessing.get_context("fork")
    done, results = context.Event(), context.Queue()
    never = context.Event()

    def start(role: str, number: int, count: int, stop: object) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=work, args=(role, world, seed * 1000 + number, count, stop, results))
        process.start()
        return process

    others = [("scheduler", schedulers), ("reconciler", RECONCILERS), ("auditor", 1)]
    hands = [(role, number) for role, many in others for number in range(many)]
    helping = [start(role, 100 + place, 0, done) for place, (role, _) in enumerate(hands)]
    shares = [operations // OPERATORS + (place < operations % OPERATORS) for place in range(OPERATORS)]
    operating = [start("operator", place, share, never) for place, share in enumerate(shares)]
    total = Account()
    for place in range(len(operating) + len(helping)):
        if place == len(operating):
            done.set()
        role, account = results.get(timeout=PATIENCE_SECONDS)
        if place < len(operating) and role != "operator":
            # One of those who help has failed: nothing that the others do would prove anything.
            never.set()
        total.done += account.done
        total.refused += account.refused
        total.broken += account.broken
    for process in (*operating, *helping):
        process.join()
    if differences := differences_between_books_and_runs():
        total.broken.append(f"at the end books and runs differ: {differences}")
    return total


def _print(console: Console, account: Account, seconds: float, operations: int) -> None:
    of_all = ("cycle", "started", "evicted", "reconciled", "added up")
    for name in sorted({*account.done, *account.refused} - set(of_all)):
        console.print(f"  {name:<18} {account.done[name]:>8,} done {account.refused[name]:>8,} refused")
    console.print(
        f"operations {operations:,} · cycles {account.done['cycle']:,} ({account.refused['cycle']:,} locked or stale) "
        f"· started {account.done['started']:,} · evicted {account.done['evicted']:,} · reconciled "
        f"{account.done['reconciled']:,} · added up {account.done['added up']:,} times · {seconds:.0f} s"
    )
    for fault in account.broken[:5]:
        console.print(fault, style="red")
    if account.broken:
        console.print(f"✗ {len(account.broken)} faults", style="red")
    else:
        console.print("✓ no capacity was ever exceeded, and books and runs agreed each time")


if __name__ == "__main__":
    sys.exit(main())
