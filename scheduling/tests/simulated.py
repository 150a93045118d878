"""What the tests of simulations share: jobs in seconds and whole GPUs, and replays read back in seconds."""

from collections import defaultdict
from pathlib import Path

from scheduling.core.policy import Policy
from scheduling.simulation.replay import Replayed, replay
from scheduling.simulation.workload import SECOND, Job, Workload

LOW, MEDIUM, HIGH = 1, 2, 3
PHILLY = Path(__file__).resolve().parents[2] / "hypervisor" / "demo" / "philly_400.csv"


def job(submit, duration, gpus=1, priority=LOW, *, checkpoint=None, expected=None, **who) -> Job:
    return Job(
        name="",
        submit=submit * SECOND,
        duration=duration * SECOND,
        need=(gpus * 1000, 0, 0),
        priority=priority,
        checkpoint=checkpoint and checkpoint * SECOND,
        expected=expected and expected * SECOND,
        **who,
    )


def workload(gpus: int, *jobs: Job) -> Workload:
    return Workload.of("by hand", (gpus * 1000, 1000, 1024), jobs)


def played(gpus: int, *jobs: Job, policy: Policy | None = None, window=0, grace=0) -> dict:
    """Job (its place in the order of submit) → its attempts, as (began, ended, kept) in seconds."""
    replayed = replay(workload(gpus, *jobs), policy or Policy(), window=window * SECOND, grace=grace * SECOND)
    assert replayed.unfinished == 0
    return attempts(replayed)


def attempts(replayed: Replayed) -> dict:
    found = defaultdict(list)
    for stint in replayed.stints:
        found[stint.job].append(tuple(one / SECOND for one in (stint.began, stint.ended, stint.kept)))
    return dict(found)
