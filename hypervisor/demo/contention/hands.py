"""The processes that work at once: operators, schedulers, reconcilers, and one that adds up."""

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

PAUSE_SECONDS = 0.1
"""On the average between two cycles of a scheduler: nobody spins."""
AUDIT_SECONDS = 1.0
"""Between two sums, each over all that runs. What lies between them the database's own trigger watches."""


@dataclass(frozen=True, slots=True)
class World:
    """Ids: each organization with its owner and its clusters."""

    owners: dict[int, int]
    clusters: dict[int, list[int]]

    @property
    def every_cluster(self) -> list[int]:
        return [cluster for mine in self.clusters.values() for cluster in mine]


@dataclass(slots=True)
class Account:
    """What one process did, by name, and what should never have happened."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def work(role: str, world: World, seed: int, count: int, stop: Any, results: Any) -> None:
    """The body of a process: plays its role until it is done or told to stop, and reports its account."""
    account = Account()
    try:
        ROLES[role](world, Random(seed), count, stop, account)
    except BaseException:  # a process that fails must be told of as such
        account.broken.append(f"{role} {seed} stopped: {traceback.format_exc(limit=-4)}")
    results.put((role, account))


def operate(world: World, dice: Random, count: int, stop: Any, account: Account) -> None:
    """Do `count` random things."""
    from hypervisor.demo.contention.operations import Operator

    operator = Operator(world, dice.randrange(1 << 30))
    account.done, account.refused = operator.done, operator.refused
    for _ in range(count):
        try:
            operator.act()
        except Exception:  # anything but a refusal is a fault, and the next operation goes on
            account.broken.append(traceback.format_exc(limit=-4))
        if stop.is_set():
            return


def schedule(world: World, dice: Random, count: int, stop: Any, account: Account) -> None:
    """Run cycles of one to three clusters, as the workers do, until told to stop."""
    from deployments.services.booking import StalePlan
    from scheduling.services import run_cycle

    while not stop.wait(dice.random() * 2 * PAUSE_SECONDS):
        some = dice.sample(world.every_cluster, dice.randint(1, min(3, len(world.every_cluster))))
        try:
            result = run_cycle(cluster_ids=some)
        except StalePlan:
            account.refused["cycle"] += 1
            continue
        except Exception:  # a refused plan or an overbooked cluster is what this looks for
            account.broken.append(traceback.format_exc(limit=-4))
            continue
        account.done["cycle"] += len(result.plan.clusters)
        account.done["started"] += sum(len(plan.starts) for plan in result.plan.clusters)
        account.done["evicted"] += sum(len(plan.evictions) for plan in result.plan.clusters)
        account.refused["cycle"] += len(result.locked)


def reconcile(world: World, dice: Random, count: int, stop: Any, account: Account) -> None:
    """Bring books and engines together, one cluster after the other, until told to stop."""
    from deployments.services.reconciliation import reconcile_cluster

    while not stop.is_set():
        reconcile_cluster(cluster_id=dice.choice(world.every_cluster))
        account.done["reconciled"] += 1
        stop.wait(PAUSE_SECONDS / 10)


def add_up(world: World, dice: Random, count: int, stop: Any, account: Account) -> None:
    """Compare books and runs of one moment, again and again, until told to stop."""
    from deployments.books import differences_between_books_and_runs
    from hypervisor.demo.contention.world import clusters_beyond_their_total

    while not stop.is_set():
        if differences := differences_between_books_and_runs():
            account.broken.append(f"books and runs differ: {differences}")
        if beyond := clusters_beyond_their_total():
            account.broken.append(f"{beyond} clusters hold more than they have")
        account.done["added up"] += 1
        stop.wait(AUDIT_SECONDS)


ROLES: dict[str, Callable[[Any, Random, int, Any, Account], None]] = {
    "operator": operate,
    "scheduler": schedule,
    "reconciler": reconcile,
    "auditor": add_up,
}
