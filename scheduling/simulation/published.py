"""Published traces as workloads. What a trace does not tell is drawn from a hash of its ids, the same each time.

Philly: "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads" (USENIX ATC 2019), with the
columns of stanford-futuredata/gavel. openb: Alibaba's cluster-trace-gpu-v2023 ("Beware of Fragmentation", USENIX
ATC 2023).
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

from scheduling.core.amounts import Amount
from scheduling.simulation.workload import SECOND, Job, Workload

Row = tuple[int, Mapping[str, str]]
"""A line's number in its file, and its cells by column."""
Number = Callable[[Row, str], float]
"""Reads a cell; refuses what is no number by the line and the column."""

LOW, MEDIUM, HIGH = 1, 2, 3
MIB_PER_GB = 1024
DAY = 86_400
PHILLY_DAYS, PHILLY_GPUS = 50, 1024
CORES_PER_GPU, GB_PER_GPU = (2, 4, 6, 8, 12), (16, 32, 48, 64, 96)
ESTIMATES = (1.0, 1.5, 2.0, 5.0, 10.0)
"""How many times too long users expect their jobs to take."""
OPENB_FROM_DAY, OPENB_GPUS = 115, 24
OPENB_QOS = {"BE": LOW, "Burstable": MEDIUM}


def share(*words: str) -> float:
    """A number from 0 up to 1 that depends on the words alone."""
    digest = blake2b("|".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def philly(name: str, rows: Iterable[Row], number: Number) -> Workload:
    """The jobs submitted within the first 50 days, on 1,024 GPUs with 8 cores and 64 GB each; 10 % of them HIGH."""
    jobs, later, tenants = [], 0, dict[str, int]()
    for row in rows:
        cells = row[1]
        submit, duration, gpus = (number(row, column) for column in ("submit_s", "duration_s", "gpus"))
        if submit > PHILLY_DAYS * DAY:
            later += 1
            continue
        key = f"ph{cells['job_id']}"
        drawn = share("prio", key)
        jobs.append(
            Job(
                name=cells["job_id"],
                submit=round(submit * SECOND),
                duration=round(duration * SECOND),
                need=(
                    round(gpus * 1000),
                    round(gpus * CORES_PER_GPU[int(5 * share("cpu", key))] * 1000),
                    round(gpus * GB_PER_GPU[int(5 * share("ram", key))] * MIB_PER_GB),
                ),
                priority=HIGH if drawn < 0.1 else MEDIUM if drawn < 0.4 else LOW,
                organization=tenants.setdefault(cells["vc"], len(tenants) + 1),
                expected=round(duration * ESTIMATES[int(5 * share("est", key))] * SECOND),
            )
        )
    total = (PHILLY_GPUS * 1000, PHILLY_GPUS * 8 * 1000, PHILLY_GPUS * 64 * MIB_PER_GB)
    return Workload.of(name, total, jobs, {f"are submitted after day {PHILLY_DAYS}": later})


def openb(name: str, rows: Iterable[Row], number: Number) -> Workload:
    """The pods created from day 115 on, each as long as from its schedule to its deletion, on 24 GPUs."""
    jobs, earlier, never_ran, tenants = [], 0, 0, dict[str, int]()
    for row in rows:
        cells = row[1]
        created = number(row, "creation_time")
        if created < OPENB_FROM_DAY * DAY:
            earlier += 1
            continue
        if not cells["scheduled_time"] or not cells["deletion_time"]:
            never_ran += 1
            continue
        ran = number(row, "deletion_time") - number(row, "scheduled_time")
        tenant = f"u{int(20 * share('org', cells['name']) ** 2):02d}"
        jobs.append(
            Job(
                name=cells["name"],
                submit=round(created * SECOND),
                duration=round(ran * SECOND),
                need=_openb_need(row, number),
                priority=_openb_priority(cells),
                organization=tenants.setdefault(tenant, len(tenants) + 1),
            )
        )
    total = (OPENB_GPUS * 1000, 412_800, round(1900.8 * MIB_PER_GB))
    left_out = {f"were created before day {OPENB_FROM_DAY}": earlier, "were never scheduled": never_ran}
    return Workload.of(name, total, jobs, left_out)


def _openb_need(row: Row, number: Number) -> Amount:
    gpus = number(row, "num_gpu")
    milli = number(row, "gpu_milli") if gpus == 1 else gpus * 1000
    return round(milli), round(number(row, "cpu_milli")), round(number(row, "memory_mib"))


def _openb_priority(cells: Mapping[str, str]) -> int:
    known = OPENB_QOS.get(cells["qos"])
    return known or (HIGH if share("ls", cells["name"]) < 0.2 else MEDIUM)
